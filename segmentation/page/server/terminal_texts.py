"""What the page prints in the terminal."""

from segmentation.i18n import Text

BAD_PORT = Text(
    "{port} is not a port. Choose a --port from 1 to 65535, or 0 for any free one.",
    "{port} 不是有效端口。请用 --port 指定 1 到 65535 之间的端口，或用 0 自动选择空闲端口。",
)
PORT_TAKEN = Text(
    "Port {first} is taken. Choose another --port, or 0 for any free one.",
    "端口 {first} 已被占用。请用 --port 指定其他端口，或用 0 自动选择空闲端口。",
)
NO_FREE_PORT = Text(
    "All ports from {first} to {last} are taken. Choose another --port, or 0 for any free one.",
    "端口 {first} 到 {last} 均被占用。请用 --port 指定其他端口，或用 0 自动选择空闲端口。",
)
PORT_FORBIDDEN = Text(
    "This user may not listen on port {port}. Choose a --port above 1023.",
    "当前用户无权监听端口 {port}。请用 --port 指定大于 1023 的端口。",
)
BAD_ADDRESS = Text(
    "{host} is not an address of this host. Choose another --host.",
    "{host} 不是本机的地址。请用 --host 指定其他地址。",
)
BAD_ROOT_PATH = Text(
    "GRADIO_ROOT_PATH is {root}, which is not an address. Set it to one such as "
    "https://HOST/PATH or /PATH.",
    "GRADIO_ROOT_PATH 为 {root}，不是有效地址。请改为 https://主机/路径 或 /路径 的形式。",
)
NOT_STARTED = Text(
    "The page could not start on port {port}: another program took the port, or the host is "
    "overloaded. Try again, or choose another --port.",
    "页面未能在端口 {port} 启动：端口刚被其他程序占用，或主机负载过高。"
    "请重试，或用 --port 指定其他端口。",
)
SHARED = Text(
    "Public link, for up to a week: {link}",
    "公网链接（最长一周有效）：{link}",
)
NOT_SHARED = Text(
    "No public link: {reason}. The page keeps running locally. To get a link: (1) a proxy, "
    "HTTPS_PROXY=URL and http_proxy=URL; (2) a share server of your own, "
    "--share-server-address HOST:PORT; (3) if only frpc is missing, fetch {url} elsewhere, save "
    "it as {path} and chmod +x it.",
    "没有公网链接：{reason}。页面继续在本机运行。解决办法：(1) 设置代理 HTTPS_PROXY=URL "
    "和 http_proxy=URL；(2) 使用自建分享服务器 --share-server-address 主机:端口；"
    "(3) 若只缺 frpc，可在别处下载 {url}，存为 {path} 并 chmod +x。",
)
