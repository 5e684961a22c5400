"""The texts of the canvas, by the keys that canvas.html and the scripts name."""

from segmentation.i18n import Text

CANVAS_TEXTS = {
    "canvas": Text(
        "Photo. Click objects to add or remove them. Arrow keys move the pointer, Enter clicks; "
        "the list of objects does the same.",
        "照片。点击物体即可选中或取消。方向键移动指针，回车键点击；也可以使用物体列表。",
    ),
    "tools": Text("Tools", "工具"),
    "pick": Text("Select", "点选"),
    "keep": Text("Keep", "保留"),
    "erase": Text("Erase", "擦除"),
    "box": Text("Box", "框选"),
    "move": Text("Move", "移动"),
    "pick_hint": Text(
        "Click objects to add or remove them; draw a line over one that was not found (S)",
        "点击物体：选中或取消；没有识别到的，在上面画一笔（S）",
    ),
    "keep_hint": Text("Paint over what is missing (K)", "涂抹要保留的部分（K）"),
    "erase_hint": Text("Paint over what should go (E)", "涂抹要擦除的部分（E）"),
    "box_hint": Text(
        "Draw a box around an object that was not found (B)", "框住没有识别到的物体（B）"
    ),
    "move_hint": Text(
        "Drag the subject; its corners change its size (V)", "拖动主体，拖边角改变大小（V）"
    ),
    "placement": Text(
        "Subject in the background photo. Arrow keys move it, + and - change its size.",
        "背景图中的主体。方向键移动，+ 和 - 改变大小。",
    ),
    "on_photo": Text(
        "This tool works on the photo. Move (V) goes back.",
        "此工具作用于原照片。点“移动”（V）返回。",
    ),
    "brush": Text("Brush size", "画笔大小"),
    "undo_hint": Text("Undo (Ctrl+Z)", "撤销（Ctrl+Z）"),
    "redo_hint": Text("Redo (Ctrl+Shift+Z)", "重做（Ctrl+Shift+Z）"),
    "view": Text("View", "查看"),
    "result": Text("Result", "结果"),
    "objects": Text("Objects", "物体"),
    "original": Text("Original", "原图"),
    "original_hint": Text("Hold to look at the original (O)", "按住查看原图（O）"),
    "divider": Text("Slide between before and after", "滑动对比前后"),
    "divider_handle": Text("Share of the picture that shows the original", "显示原图的比例"),
    "ground": Text("Behind the result", "结果的衬底"),
    "checkerboard": Text("Checkerboard behind the result", "棋盘格衬底"),
    "white": Text("White behind the result", "白色衬底"),
    "black": Text("Black behind the result", "黑色衬底"),
    "any_colour": Text("Another colour behind the result", "其他颜色衬底"),
    "zoom": Text("Zoom", "缩放"),
    "zoom_in": Text("Zoom in (+)", "放大（+）"),
    "zoom_out": Text("Zoom out (-)", "缩小（-）"),
    "fit": Text("Fit the whole picture (0)", "适应窗口（0）"),
    "result_alt": Text("The cut-out", "抠图结果"),
    "original_alt": Text("The photo", "原图"),
}
