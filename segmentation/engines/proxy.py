"""The proxy variables of the host, in a form that httpx takes.

httpx reads them whenever a client is made, and raises on forms that other programs accept. Gradio
makes a client when it is imported, so that one such variable would stop the page.
"""

import importlib.util
import ipaddress
import os
from typing import Final

from segmentation.i18n import Text

PROXY_VARIABLES: Final = ("http_proxy", "https_proxy", "all_proxy")
_UNREADABLE: Final = Text(
    "{name} is ignored, because {value} is not a proxy that can be used. Set it to an address such "
    "as http://HOST:PORT or socks5://HOST:PORT.",
    "已忽略 {name}：{value} 不是可用的代理地址。请改为 http://主机:端口 或 "
    "socks5://主机:端口 的形式。",
)
_NO_SOCKS: Final = Text(
    "{name} is ignored, because the package socksio is missing: pip install -r requirements.txt.",
    "已忽略 {name}：缺少 socksio 包，请运行 pip install -r requirements.txt。",
)
SOCKS_SCHEMES: Final = ("socks5", "socks5h")
# What was ignored in this process, by the variable's name.
_ignored: Final[dict[str, Text]] = {}


def repair_proxies() -> None:
    """Rewrite proxy variables that httpx cannot read, or remove them; see `ignored_proxies`.

    `socks://` of GNOME and Clash becomes `socks5h://`, a proxy without a scheme gets `http://`,
    and exclusions that httpx cannot read are written in its form or left out. What httpx reads
    stays as it is. Call it before the first import of gradio.
    """
    for name, value in list(os.environ.items()):
        if name.lower() == "no_proxy":
            os.environ[name] = readable_exclusions(value)
        elif name.lower() in PROXY_VARIABLES and value:
            address = readable_proxy(value)
            if address and (_has_socksio() or not address.startswith(SOCKS_SCHEMES)):
                os.environ[name] = address
            else:
                del os.environ[name]
                reason = _NO_SOCKS if address else _UNREADABLE
                # A password may stand before the host.
                facts = {"name": name, "value": value.rpartition("@")[2]}
                _ignored[name] = Text(reason.en.format(**facts), reason.zh.format(**facts))


def ignored_proxies() -> tuple[Text, ...]:
    """Return a sentence for each proxy variable that was removed, which names the variable."""
    return tuple(_ignored.values())


def readable_proxy(value: str) -> str | None:
    """Return a proxy's address as httpx reads it, or None if it cannot.

    Args:
        value: value of a variable such as `ALL_PROXY`.
    """
    import httpx

    address = value.strip()
    if "://" not in address:
        address = f"http://{address}"
    scheme, _, rest = address.partition("://")
    scheme = scheme.lower()
    if scheme == "socks":
        scheme = "socks5h"
    address = f"{scheme}://{rest}"
    try:
        host = httpx.Proxy(address).url.host
    except (ValueError, httpx.InvalidURL):
        return None
    return address if host else None


def readable_exclusions(value: str) -> str:
    """Return the hosts of `no_proxy` that httpx can read; IPv6 addresses lose their brackets.

    httpx knows hosts and addresses, but no networks: an IPv4 network does no harm, and an IPv6
    network is left out.

    Args:
        value: value of `no_proxy`, separated by commas or spaces.
    """
    hosts = (host.removesuffix("]").removeprefix("[") for host in value.replace(",", " ").split())
    return ",".join(host for host in hosts if _is_readable_exclusion(host))


def _has_socksio() -> bool:
    return importlib.util.find_spec("socksio") is not None


def _is_readable_exclusion(host: str) -> bool:
    import httpx

    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return True
    try:
        httpx.URL(host if "://" in host else f"all://*{host}")
    except httpx.InvalidURL:
        return False
    return True
