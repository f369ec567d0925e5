from ipaddress import ip_address, ip_network
from uuid import UUID

from django.utils.crypto import salted_hmac


def address_token(address: str | None) -> UUID | None:
    """A name for where somebody comes from, that limits are counted by and that tells no address:
    of IPv6 for the network of 64 bits, which is one household's. None for what is no address, as
    the peer of a Unix socket."""
    try:
        ip = ip_address(address or "")
    except ValueError:
        return None
    ip = getattr(ip, "ipv4_mapped", None) or ip
    network = ip_network((ip, 64 if ip.version == 6 else 32), strict=False)
    return UUID(salted_hmac("chat.address", str(network), algorithm="sha256").hexdigest()[:32])
