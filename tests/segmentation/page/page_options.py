"""Valid options of a tab, for tests of what is done with them."""

from segmentation.page.options import PageOptions

OPTIONS = PageOptions(
    min_score=0.35,
    refine=True,
    background="transparent",
    colour="#ffffff",
    colour_below="#ffffff",
    backdrop=None,
    fit="cover",
    scale=0.7,
    x=0.5,
    y=0.5,
    softness=0,
    grow=0,
    fine_hair=False,
    outline=False,
    shadow=False,
    frame="whole",
    format="png",
    quality=90,
)
