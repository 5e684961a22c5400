"""The texts of the page, apart from errors, which carry their own."""

from segmentation.compositing.sizing.presets import ID_COLOURS, SIZE_PRESETS
from segmentation.i18n import Text
from segmentation.page.size_options import size_title

STRINGS = {
    "title": Text("Cut objects out of photos", "把想要的，从照片里抠出来"),
    "intro": Text(
        "Finds the objects in a photo and removes the rest. Free, no account, no watermark. "
        "Works offline; photos are deleted within {minutes} minutes.",
        "自动识别照片中的物体，去掉背景。免费、免注册、无水印，可离线使用；照片在 {minutes} "
        "分钟内删除。",
    ),
    "model": Text("Model", "模型"),
    "cut_out": Text("Cut out", "抠图"),
    "model_missing": Text(
        "One of this page's models is not available at the moment; another one is used instead.",
        "本页面的一个模型暂时不可用，已改用其他模型。",
    ),
    "loading_model": Text("Loading model {model} …", "正在加载模型“{model}”……"),
    "choose_photo": Text("Choose a photo", "选择照片"),
    "drop_photo": Text("or drop it anywhere, or paste it", "也可以拖到页面任意位置，或直接粘贴"),
    "drop_overlay": Text("Drop to open the photo", "松开即可打开照片"),
    "drop_batch_overlay": Text("Drop to add the photos", "松开即可添加照片"),
    "objects": Text("Objects", "物体"),
    "new_photo": Text("New photo", "新照片"),
    "close_photo": Text("Close the photo", "关闭照片"),
    "all": Text("All", "全选"),
    "none": Text("None", "清空"),
    "background": Text("Background", "背景"),
    "transparent": Text("Transparent", "透明"),
    "colour": Text("Colour", "纯色"),
    "gradient": Text("Gradient", "渐变"),
    "background_colour": Text("Colour", "颜色"),
    "colour_below": Text("Second colour", "第二种颜色"),
    "scene": Text("Place into a photo", "合成到照片"),
    "fit": Text("Background photo fit", "背景图显示方式"),
    "cover": Text("Fill", "铺满"),
    "contain": Text("Fit inside", "完整显示"),
    "scale": Text("Subject size", "主体大小"),
    "position_x": Text("Horizontal position", "水平位置"),
    "position_y": Text("Vertical position", "垂直位置"),
    "outline": Text("Outline", "描边"),
    "shadow": Text("Shadow", "阴影"),
    "crop_frame": Text("Crop", "裁剪"),
    "whole": Text("Original", "原图"),
    "subject": Text("Fit to subject", "贴合主体"),
    "square": Text("Square", "方形"),
    "portrait": Text("Portrait 3:4", "竖幅 3:4"),
    "size_kind": Text("Picture size", "图片尺寸"),
    "original": Text("Original", "原尺寸"),
    "longest": Text("Longest side", "限定最长边"),
    "exact": Text("Exact size", "指定尺寸"),
    "shop": Text("Product photo", "电商主图"),
    "id_photo": Text("ID photo", "证件照"),
    "longest_side": Text("Longest side, pixels", "最长边（像素）"),
    "width": Text("Width", "宽"),
    "height": Text("Height", "高"),
    "unit": Text("Unit", "单位"),
    "px": Text("pixels", "像素"),
    "mm": Text("mm", "毫米"),
    "dpi": Text("Resolution, dpi", "分辨率（dpi）"),
    "shop_size": Text("Format of the product photo", "主图规格"),
    "margin": Text("Margin around the subject, %", "主体四周留白（%）"),
    "id_format": Text("Format of the ID photo", "证件照规格"),
    "id_colour": Text("Background of the ID photo", "证件照底色"),
    "other_colour": Text("As set under Background", "按“背景”设置"),
    "move_frame": Text("Adjust the position of the head", "调整头部位置"),
    "zoom": Text("Size of the head", "头部大小"),
    "shift_x": Text("Left or right", "左右移动"),
    "shift_y": Text("Up or down", "上下移动"),
    "sheet": Text("Print sheet: fill 6-inch paper with copies", "排版：铺满 6 寸相纸"),
    "max_kb": Text("Maximum file size, kB (0: no limit)", "文件大小上限（kB，0 表示不限）"),
    "check_head": Text(
        "You can adjust the position of the head above.", "可在上方手动调整头部位置。"
    ),
    **{name: size_title(preset) for name, preset in SIZE_PRESETS.items()},
    **ID_COLOURS,
    "format": Text("Format", "格式"),
    "quality": Text("Quality", "图片质量"),
    "size_panel": Text("Size", "尺寸"),
    "edge_panel": Text("Touch up", "修边"),
    "effects_panel": Text("Effects", "效果"),
    "file_panel": Text("File", "文件"),
    "mask": Text("Mask (black-and-white PNG)", "蒙版（黑白 PNG）"),
    "download_mask": Text("Download mask", "下载蒙版"),
    "zip": Text("Each object as its own PNG (ZIP)", "每个物体单独一张 PNG（ZIP）"),
    "download_zip": Text("Download ZIP", "下载 ZIP"),
    "blur": Text("Blurred", "虚化"),
    "picture": Text("Replace background", "换背景图"),
    "choose_backdrop": Text("Choose a background photo first.", "请先选择背景图。"),
    "backdrop": Text("Choose a background photo", "选择背景图"),
    "threshold": Text("Show uncertain objects: minimum confidence", "显示不确定的物体：最低置信度"),
    "softness": Text("Edge softness", "边缘柔和度"),
    "grow": Text("Shrink / grow edge", "边缘收缩 / 扩展"),
    "fine_hair": Text("Fine hair and fur", "发丝与毛发"),
    "refine": Text("Refine selection (slower)", "精细识别（较慢）"),
    "uploading": Text("Uploading …", "正在上传……"),
    "download": Text("Download", "下载"),
    "copy": Text("Copy", "复制"),
    "copied": Text("Copied as PNG", "已复制为 PNG"),
    "copy_impossible": Text(
        "This browser cannot copy images here. Right-click the result to copy it, or download it.",
        "当前浏览器无法在此复制图片。请在结果上点右键复制，或直接下载。",
    ),
    "share": Text("Share", "分享"),
    "loading": Text("Loading the model, then finding the objects …", "正在加载模型并查找物体……"),
    "finding": Text("Finding the objects …", "正在查找物体……"),
    "restarted": Text(
        "The server was restarted. If your photo is gone, open it again.",
        "服务器已重启。如果照片不见了，请重新打开。",
    ),
    "preparing": Text("Preparing the file …", "正在生成文件……"),
    "try_examples": Text("No photo at hand? Try one of these", "没有照片？点一张试试"),
    "compare": Text("Compare", "对比"),
    "compare_intro": Text(
        "See what settings change: where the cut-outs differ, by how much, and how long each "
        "takes. Click an example for a comparison made in advance, or choose settings and compare.",
        "看看不同设置对抠图的影响：哪里不同、相差多少、各用多长时间。"
        "点击示例可查看现成的对比，也可以自选设置进行对比。",
    ),
    "comparing": Text("Comparing the settings …", "正在对比……"),
    "details": Text("Details", "详细数据"),
    "setting_count": Text("Number of settings", "设置数量"),
    "compare_example": Text("Compare on this example", "用此示例对比"),
    "compare_mine": Text("Compare on my photo", "用我的照片对比"),
    "no_photo": Text("Open a photo on the “Cut out” tab first.", "请先在“抠图”页打开一张照片。"),
    "pair": Text("Drag to compare", "拖动滑块对比"),
    "side_by_side": Text(
        "Side by side: click one to compare it with A", "并排显示：点击一张与 A 对比"
    ),
    "difference": Text("Differences", "差异图"),
    "legend": Text(
        "{first} only in A, {other} only in {letter}; stronger colour means a larger difference",
        "{first} 仅 A 有，{other} 仅 {letter} 有；颜色越深，差异越大",
    ),
    "setting": Text("Setting", "设置"),
    "difference_to_standard": Text("Difference from standard", "与标准设置的区别"),
    "standard": Text("Standard", "标准"),
    "not_refined": Text("Not refined", "未精细识别"),
    "softer": Text("Softer by", "更柔和"),
    "sharper": Text("Harder by", "更锐利"),
    "grown": Text("Grown by", "扩展"),
    "shrunk": Text("Shrunk by", "收缩"),
    "device": Text("Device", "设备"),
    "iou": Text("IoU with A", "与 A 的 IoU"),
    "boundary_f": Text("Outline match with A (boundary F)", "轮廓与 A 的吻合度（边界 F）"),
    "visibly_changed": Text("Area visibly different from A", "与 A 明显不同的面积"),
    "seconds_load": Text("Load the model (once), s", "加载模型（仅一次），秒"),
    "seconds_prepare": Text("Prepare the photo, s", "准备照片，秒"),
    "seconds_infer": Text("Run the model, s", "运行模型，秒"),
    "seconds_instances": Text("Extract the objects, s", "提取物体，秒"),
    "seconds_refine": Text("Refinement, s", "精细识别，秒"),
    "seconds_edge": Text("Edge, s", "边缘，秒"),
    "seconds_per_photo": Text("Total per photo, s", "每张照片合计，秒"),
    "show_uncertain": Text("Show less certain objects", "显示置信度较低的物体"),
    "no_certain_objects": Text(
        "No object reaches this confidence, but there are candidates. Click where you see one.",
        "没有物体达到此置信度，但有一些候选。请点击您看到的物体。",
    ),
    "no_objects": Text(
        "No object was found. Paint over what you want with the Keep brush, or try another photo.",
        "没有找到物体。请用“保留”画笔涂抹要抠出的部分，或换一张照片。",
    ),
    "nothing_here": Text(
        "No object was found here. Draw a line over it, or use the Box tool or the Keep brush.",
        "这里没有识别到物体。请在它上面画一笔，或用“框选”框住它，也可用“保留”画笔涂抹。",
    ),
    "nothing_in_box": Text(
        "Nothing new was found there. Use the Keep brush.", "没有找到新的物体，请用“保留”画笔涂抹。"
    ),
    "searching_box": Text("Taking a closer look …", "正在仔细识别……"),
    "select_one": Text("Click an object in the photo to cut it out.", "点击照片中的物体即可抠出。"),
    "photo_deleted": Text(
        "The server no longer has this photo: photos are deleted after an hour, and forgotten when "
        "it restarts. Open it again.",
        "服务器上已没有这张照片：照片一小时后删除，服务器重启后也不保留。请重新打开。",
    ),
    "strokes_not_kept": Text(
        "Your brush strokes were too long to be kept. Paint them again.",
        "画笔笔画过长，未能保留，请重新涂抹。",
    ),
    "backdrop_deleted": Text(
        "The server no longer has the background photo: files are deleted after an hour. Choose it "
        "again.",
        "服务器上已没有这张背景图：文件一小时后删除。请重新选择。",
    ),
    "too_many_waiting": Text(
        "Too many requests from your network are waiting here. Try again in a moment.",
        "来自您所在网络的请求排队过多，请稍后再试。",
    ),
    "bad_setting": Text(
        "A setting is missing or cannot have this value. Correct it, or reload the page.",
        "有设置缺失或取值无效，请更正，或刷新页面。",
    ),
    "queue_full": Text(
        "Too many visitors are waiting right now. Try again in a moment.",
        "现在排队的人太多，请稍后再试。",
    ),
    "batch": Text("Batch", "批量"),
    "batch_intro": Text(
        "Drop up to {photos} photos, {megabytes:g} MB in total. Each one is cut out with "
        "these settings. Click a result to fix it. All cut-outs and a table of the objects come "
        "in one ZIP.",
        "一次最多上传 {photos} 张照片，共 {megabytes:g} MB，按所选设置逐张抠图。"
        "点击结果可单独修改。全部抠图和物体清单打包为一个 ZIP。",
    ),
    "choose_photos": Text("Choose photos", "选择照片"),
    "drop_photos": Text(
        "or drop photos or a folder anywhere, or paste",
        "也可以把照片或文件夹拖到页面任意位置，或直接粘贴",
    ),
    "remove_photo": Text("Remove {photo}", "移除 {photo}"),
    "remove_all": Text("Remove all", "全部移除"),
    "batch_objects": Text("Objects to cut out", "抠取对象"),
    "auto": Text("Subject", "主体"),
    "whole_subject": Text("Whole subject", "整个主体"),
    "largest": Text("Largest object", "最大的物体"),
    "all_objects": Text("All objects", "所有物体"),
    "to_batch": Text("Put into the batch", "放回批量结果"),
    "fix_hint": Text(
        "Fix this cut-out, then choose “Put into the batch”: it takes its place in the ZIP.",
        "修改这张抠图后，点击“放回批量结果”，ZIP 中的文件会随之替换。",
    ),
    "not_from_batch": Text(
        "This photo is not the one opened from the batch. Click its picture on the “Batch” tab "
        "again.",
        "当前照片不是从批量结果打开的那张，请在“批量”页重新点击它的图片。",
    ),
    "file_not_ready": Text(
        "The file is not ready yet. Try again in a moment.", "文件尚未生成，请稍后再试。"
    ),
    "fixed": Text("Fixed by hand.", "已手动修改。"),
    "run_batch": Text("Cut out all", "全部抠图"),
    "cancel": Text("Cancel", "取消"),
    "stop": Text("Stop and keep finished ones", "停止并保留已完成的"),
    "resume": Text("Continue with the rest", "继续处理其余照片"),
    "stopping": Text("Finishing the photos in progress …", "正在完成处理中的照片……"),
    "waiting": Text("waiting", "等待中"),
    "working": Text("in progress …", "处理中……"),
    "batch_state": Text(
        "{done} of {all} photos done, {files} cut out", "已处理 {done}/{all} 张，抠出 {files} 张"
    ),
    "batch_deleted": Text(
        "The server no longer has your last batch: files are deleted after an hour, and when the "
        "server restarts. Add the photos again.",
        "服务器上已没有上一批照片：文件一小时后删除，服务器重启后也不保留。请重新添加照片。",
    ),
    "device_when_loaded": Text("loads with the first photo", "打开第一张照片时加载"),
}

# The button of the slider between two pictures, and its symbol.
_SLIDER_BACK = Text("Slider back to the middle", "滑块回到中间")

# Texts of Gradio's own that the page replaces, by Gradio's keys.
GRADIO_KEYS = {
    "common.undo": _SLIDER_BACK,
}

# Texts that Gradio's page has in English only.
GRADIO_TEXTS = (
    Text("Error", "出错了"),
    Text("Warning", "请注意"),
    Text("Info", "提示"),
    Text("queue:", "排队："),
    Text("processing |", "处理中 |"),
    Text("Connection errored out.", "连接中断。"),
    Text(
        "Connection to the server was lost. Attempting reconnection...",
        "与服务器的连接已断开，正在重新连接……",
    ),
)

# Names that Gradio's page gives its controls for screen readers, and ours.
GRADIO_NAMES = {
    "More tabs": Text("More tabs", "更多标签页"),
    "Upload file": Text("Upload a file", "上传文件"),
    "Fullscreen": Text("Full screen", "全屏"),
    "Reset to default value": Text("Reset to default value", "恢复默认值"),
    "undo": _SLIDER_BACK,
    "Gradio footer navigation": Text("Footer", "页脚"),
}

# Above the fields for name and password, when the visitor's language is not known yet.
LOGIN = Text(
    "This page is for invited visitors. After too many attempts, wait a minute.",
    "本页面仅供受邀访客使用。如果尝试次数过多，请等待一分钟。",
)

FOOTER = Text(
    "Photos up to {pixels} and {megabytes:g} MB: JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP, "
    "TIFF. They go to the server that runs this page and nowhere else (a gradio.live link passes "
    "through Gradio's relay). Photos and results are deleted there within {minutes} minutes.",
    "支持 JPEG、PNG、WebP、AVIF、HEIC、GIF、BMP、TIFF，最大 {pixels}、"
    "{megabytes:g} MB。照片只发送到运行本页面的服务器，不会转发到别处（通过 gradio.live 链接访问时"
    "会经过 Gradio 的中继）；照片和结果会在 {minutes} 分钟内从服务器删除。",
)
