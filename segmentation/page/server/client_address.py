"""Client networks: the unit that limits on connections, calls and uploads are counted for."""

import ipaddress
from contextvars import ContextVar

from starlette.types import Scope

# The proxies in front of a hosted page have addresses in these networks. Clients on the internet do
# not, so the rightmost other address in X-Forwarded-For is the client's. Addresses that the client
# wrote itself come further left.
PRIVATE_NETWORKS = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
    *("100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("::1/128", "fc00::/7", "fe80::/10"),
)
# No address is longer; a longer text comes from a forged header.
MAX_ADDRESS_LENGTH = 64

# The network whose call runs now, which the files that the call makes belong to.
current_network: ContextVar[str] = ContextVar("current_network", default="")


def client_network(address: str) -> str:
    """The network that one household has: an IPv4 address, or the /64 of an IPv6 address.

    Args:
        address: the client's IP address; any other text is its own network.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:MAX_ADDRESS_LENGTH]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed), 64), strict=False))
    return address


def scope_network(scope: Scope) -> str:
    """The client network of an ASGI request."""
    return client_network(scope["client"][0] if scope.get("client") else "")
