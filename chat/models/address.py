from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from uuid import UUID

from django.utils.crypto import salted_hmac


def network_of(address: str | None) -> IPv4Network | IPv6Network | None:
    """Whose an address is, as far as limits go: an IPv4 address alone, of IPv6 the network of 64
    bits, which is one household's. None for what is no address, as the peer of a Unix socket."""
    try:
        ip = ip_address(address or "")
    except ValueError:
        return None
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return ip_network((ip, 64 if ip.version == 6 else 32), strict=False)


def address_token(address: str | None) -> UUID | None:
    """A name for the network of `address`, which tells nobody what it is."""
    network = network_of(address)
    if network is None:
        return None
    return UUID(salted_hmac("chat.address", str(network), algorithm="sha256").hexdigest()[:32])
