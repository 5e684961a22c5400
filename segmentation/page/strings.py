"""What the page says, apart from errors, which carry their own words."""

from segmentation.i18n import Text

STRINGS = {
    "title": Text("Koutu 抠图: click it, cut it out", "抠图：点一下，抠出来"),
    "intro": Text(
        "Drop a photo, click the objects you want, download them on a transparent background.",
        "上传照片，点选想要的物体，即可下载透明背景的抠图。",
    ),
    "model": Text("Model", "模型"),
    "cut_out": Text("Cut out", "抠图"),
    "model_missing": Text(
        "One of this page's models is unavailable at the moment; another one stands in for it.",
        "本页面的一个模型暂时不可用，现由其他模型代替。",
    ),
    "loading_model": Text("Loading model {model} …", "正在加载模型“{model}”……"),
    "photo": Text("Photo", "照片"),
    "drop": Text("Drop a photo here, paste it, or click to choose", "拖放、粘贴照片，或点击选择"),
    # It lies over the photo, so it is short.
    "canvas": Text("Click an object to add or remove it", "点击物体：选中或取消"),
    "objects": Text("Objects found", "找到的物体"),
    "another": Text("Another photo", "换一张照片"),
    "all": Text("All", "全选"),
    "none": Text("None", "全不选"),
    "undo": Text("Undo", "撤销"),
    "background": Text("Background", "背景"),
    "transparent": Text("Transparent", "透明"),
    "colour": Text("Colour", "纯色"),
    "gradient": Text("Gradient", "渐变"),
    "colour_below": Text("Colour below", "下方颜色"),
    "scene": Text("Place in another photo", "放进另一张照片"),
    "fit": Text("The other photo", "另一张照片"),
    "cover": Text("Fill the frame", "铺满"),
    "contain": Text("Show all of it", "完整显示"),
    "scale": Text("Size", "大小"),
    "across": Text("Left to right", "左右位置"),
    "down": Text("Top to bottom", "上下位置"),
    "outline": Text("Outline", "描边"),
    "shadow": Text("Shadow", "阴影"),
    "frame": Text("Crop of the file", "裁剪（下载的文件）"),
    "whole": Text("As the photo", "不裁剪"),
    "subject": Text("To the objects", "裁到物体"),
    "square": Text("Square", "方形"),
    "portrait": Text("Portrait 3:4", "竖幅 3:4"),
    "format": Text("Format", "格式"),
    "quality": Text("Quality of JPEG and WebP", "JPEG 与 WebP 的质量"),
    "more_files": Text("Other formats and files", "其他格式与文件"),
    "zip": Text("Each object as a PNG, in a ZIP", "每个物体一张 PNG（ZIP）"),
    "download_zip": Text("Download ZIP", "下载 ZIP"),
    "blur": Text("Blurred", "虚化"),
    "picture": Text("On another photo", "换成另一张照片"),
    "backdrop": Text("Photo for the background", "背景照片"),
    "options": Text("Options", "更多选项"),
    "threshold": Text("Minimum confidence", "只显示置信度不低于此值的物体"),
    "softness": Text("Edge: hard to soft", "边缘：硬到软"),
    "grow": Text("Edge: further in or out", "边缘：内收或外扩"),
    "fine_hair": Text("Fine hair and fur", "发丝与毛发"),
    "closer": Text("Look closer at what is chosen", "放大选中的物体再识别一次（更精细）"),
    "result": Text("Before and after", "前后对比"),
    "uploading": Text("Uploading …", "正在上传……"),
    "awaited": Text("What you cut out shows here", "抠好的图会出现在这里"),
    "download": Text("Download", "下载"),
    "loading": Text("Loading the model, then finding the objects …", "正在加载模型并查找物体……"),
    "finding": Text("Finding the objects …", "正在查找物体……"),
    "restarted": Text(
        "The server was restarted and no longer has your photo. Open it again.",
        "服务器已重启，您的照片已不在服务器上，请重新打开。",
    ),
    "preparing": Text("Preparing the file …", "正在生成文件……"),
    "examples": Text("No photo at hand? Click one", "手边没有照片？点一张试试"),
    "compare": Text("Compare", "对比"),
    "compare_intro": Text(
        "The same objects, cut out in several ways: what differs, where, and what it costs. "
        "Click an example for a comparison made beforehand, or choose settings and compare.",
        "同一批物体，用几种方式抠出：哪里不同、差多少、用时多少。"
        "点一个示例，看预先做好的对比；也可以自选设置再对比。",
    ),
    "comparing": Text("Comparing the settings …", "正在对比……"),
    "settings": Text("Settings", "设置"),
    "how_many": Text("How many", "数量"),
    "compare_example": Text("Compare on this example", "用此示例对比"),
    "compare_mine": Text("Compare on my photo", "用我的照片对比"),
    "no_photo": Text(
        "Open a photo on the first tab first.",
        "请先在第一个标签页打开一张照片。",
    ),
    "pair": Text("Slide between the two", "拖动滑块对比"),
    "side_by_side": Text(
        "Side by side: click one to put it against A", "并排显示：点一张与 A 对比"
    ),
    "difference": Text("Where they differ", "差异图"),
    "legend": Text(
        "{first} only in A, {other} only in {letter}; the stronger, the more",
        "{first} 仅 A 有，{other} 仅 {letter} 有；颜色越深，差异越大",
    ),
    "setting": Text("Setting", "设置"),
    "way": Text("How", "方式"),
    "standard": Text("Standard", "标准"),
    "one_look": Text("One look", "只看一次"),
    "softer": Text("Softer by", "更软"),
    "harder": Text("Harder by", "更硬"),
    "further_out": Text("Further out by", "外扩"),
    "further_in": Text("Further in by", "内收"),
    "device": Text("Device", "设备"),
    "iou": Text("IoU with A", "与 A 的 IoU"),
    "outlines": Text("Outlines as in A (boundary F)", "轮廓与 A 一致（边界 F）"),
    "changed": Text("Differs visibly from A", "与 A 明显不同的面积"),
    "spent_load": Text("Load the model (once), s", "加载模型（仅一次），秒"),
    "spent_prepare": Text("Prepare the photo, s", "准备照片，秒"),
    "spent_infer": Text("Run the model, s", "运行模型，秒"),
    "spent_instances": Text("Sort out the objects, s", "整理物体，秒"),
    "spent_closer": Text("Second look, s", "再看一次，秒"),
    "spent_edge": Text("Edge, s", "边缘，秒"),
    "spent_each_photo": Text("Each photo, s", "每张照片合计，秒"),
    "less_certain": Text("Show less certain objects", "显示置信度较低的物体"),
    "nothing_yet": Text(
        "Nothing is that certain, but there are guesses. Click where you see an object.",
        "没有置信度足够高的物体，但有一些可能的候选。请点击您看到物体的地方。",
    ),
    "nothing": Text(
        "No object was found in this photo. Try another one.", "这张照片里没有找到物体，请换一张。"
    ),
    "pick_one": Text("Click an object in the photo to cut it out.", "点击照片中的物体即可抠出。"),
    "gone": Text(
        "The server no longer has this photo: photos are deleted after an hour, and forgotten when "
        "it restarts. Open it again.",
        "服务器上已没有这张照片：照片一小时后删除，服务器重启后也不保留。请重新打开。",
    ),
    "backdrop_gone": Text(
        "The server no longer has the background photo: it is deleted after an hour. Choose it "
        "again.",
        "服务器上已没有背景照片：照片一小时后删除。请重新选择。",
    ),
    "too_many_waiting": Text(
        "Too many requests from your network are waiting here. Try again in a moment.",
        "来自您所在网络的请求排队过多，请稍后再试。",
    ),
    "queue_full": Text(
        "Too many people are waiting here right now. Try again in a moment.",
        "现在排队的人太多，请稍后再试。",
    ),
    "batch": Text("Batch", "批量"),
    "batch_intro": Text(
        "Drop up to {photos} photos, {megabytes:g} MB together: each is cut out in turn, with the "
        "background, edges, crop and format that are set for one photo. You get a ZIP with all "
        "of them and a table of what was found.",
        "一次最多可上传 {photos} 张照片（共 {megabytes:g} MB），逐张抠图；背景、边缘、裁剪和格式"
        "沿用单张照片的设置。完成后可下载 ZIP，内含全部抠图和物体清单。",
    ),
    "photos": Text("Photos", "照片"),
    "what": Text("What to cut out of each", "每张照片抠什么"),
    "auto": Text("Its subject", "主体"),
    "largest": Text("The largest object", "最大的物体"),
    "run_batch": Text("Cut them all out", "全部抠图"),
    "cancel": Text("Cancel", "取消"),
    "stop": Text("Stop, and keep what is done", "停止并保留已完成的"),
    "go_on": Text("Go on with the rest", "继续处理其余照片"),
    "stopping": Text("Stopping after this photo …", "当前照片完成后停止……"),
    "waiting": Text("waiting", "等待中"),
    "working": Text("in progress …", "处理中……"),
    "outcome": Text("Outcome", "结果"),
    "batch_state": Text(
        "{done} of {all} photos done, {files} cut out", "已处理 {done}/{all} 张，抠出 {files} 张"
    ),
    "lazy": Text("loads with the first photo", "打开第一张照片时加载"),
}

# What Gradio's own page says in English alone.
GRADIO_TEXTS = (
    Text("Error", "出错了"),
    Text("Warning", "请注意"),
    Text("queue:", "排队："),
    Text("processing |", "处理中 |"),
    Text("Connection errored out.", "连接中断。"),
    Text(
        "Connection to the server was lost. Attempting reconnection...",
        "与服务器的连接已断开，正在重新连接……",
    ),
    Text("Click to Access Webcam", "点击以使用摄像头"),
)

# What it calls its own controls to those who cannot see them, and what they are to hear.
GRADIO_NAMES = {
    "More tabs": Text("More tabs", "更多标签页"),
    "File upload": Text("File upload", "上传文件"),
    "Upload file": Text("Upload a file", "上传文件"),
    "Capture from camera": Text("Take a photo", "拍照"),
    "Paste from clipboard": Text("Paste", "粘贴"),
    "Click to upload or drop files": Text("Click to upload or drop files", "点击上传，或拖放文件"),
    "Fullscreen": Text("Full screen", "全屏"),
    "Reset to default value": Text("Reset to default value", "恢复默认值"),
    "undo": Text("Slider back to the middle", "滑块回到中间"),
    "Gradio footer navigation": Text("Footer", "页脚"),
}

# Above the fields for name and password, before a visitor's language is known.
LOGIN = Text(
    "This page is for invited visitors. After too many tries, wait a minute.",
    "本页面仅供受邀访客使用。尝试过多时会暂不受理，请等待一分钟。",
)

FOOTER = Text(
    "Photos up to {megapixels:g} MP and {megabytes:g} MB: JPEG, PNG, WebP, AVIF, GIF, BMP, TIFF. "
    "Photos go to whoever runs this page and to nobody else (over a gradio.live link by way of "
    "Gradio's relay); they and what is made of them are deleted there within {minutes} minutes.",
    "照片上限 {megapixels:g} 百万像素、{megabytes:g} MB：JPEG、PNG、WebP、AVIF、GIF、BMP、TIFF。"
    "照片只会发送到本页面运营者的服务器，不会转发到别处（经 gradio.live 链接访问时，会经过 "
    "Gradio 的中继）；"
    "照片和结果会在 {minutes} 分钟内从服务器删除。",
)

# What the terminal says.
NOT_SERVED = Text(
    "The page cannot be served there: the port is taken, or the address is not this host's. Choose "
    "another --port or --host.",
    "无法在该地址提供页面：端口已被占用，或地址不属于本机。请更换 --port 或 --host。",
)
SHARED = Text(
    "Public link, for up to a week: {link}",
    "公网链接（最长一周有效）：{link}",
)
NOT_SHARED = Text(
    "No public link: {reason}. The page goes on locally. Ways out: (1) a proxy, HTTPS_PROXY=URL "
    "and http_proxy=URL; (2) a share server of your own, --share-server-address HOST:PORT; (3) if "
    "only frpc is missing, fetch {url} elsewhere, save it as {path} and chmod +x it.",
    "没有公网链接：{reason}。页面继续在本机运行。解决办法：(1) 设置代理 HTTPS_PROXY=URL "
    "和 http_proxy=URL；(2) 使用自建分享服务器 --share-server-address 主机:端口；"
    "(3) 若只缺 frpc，可在别处下载 {url}，存为 {path} 并 chmod +x。",
)
