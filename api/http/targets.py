"""
Which addresses webhooks may have: https, and nothing inside our own network, so that nobody can have us ask it.

A name is looked up for each delivery and every address that it has must be a public one; the connection then goes to an
address that was looked at, not to the name, which may lead elsewhere a moment later. Redirects are not followed.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import httpx

from engine.domain.errors import InputError

URL_MAX = 2_000
_HOST = re.compile(r"[A-Za-z0-9._:-]+")  # a name (of other scripts as punycode), or an address
# Forms of IPv6 addresses that lead to an IPv4 one inside them, which may be anybody's.
_TUNNELS = tuple(ipaddress.ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))
Resolve = Callable[[str, int], Awaitable[list[str]]]


class TargetError(Exception):
    """An address that we do not connect to, or cannot find."""


class Target(NamedTuple):
    """Where to connect to for a webhook: the address in place of the name, and the name for TLS and Host."""

    url: httpx.URL
    host: str
    sni: str


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """
    Whether an address is on the public internet.

    >>> is_public("93.184.215.14"), is_public("10.0.0.1"), is_public("::ffff:127.0.0.1"), is_public("169.254.169.254")
    (True, False, False, False)
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if any(ip in net for net in _TUNNELS):
            return False
    return ip.is_global and not ip.is_multicast


def check_url(text: str, *, private: bool = False) -> str:
    """
    The address of a webhook, as it is kept.

    Parameters
    ----------
    text
        As the caller gives it.
    private
        Whether http and addresses inside our own network are allowed.

    Raises
    ------
    InputError
        Where it is no address that we would ever deliver to. What a name leads to is only known at each delivery.
    """
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, TypeError, ValueError) as error:
        raise InputError(f"Address ({text[:80]}) of the webhook is no URL: {error}.", "https://host/path.") from error
    schemes = ("https", "http") if private else ("https",)
    if len(text) > URL_MAX or url.scheme not in schemes or not _HOST.fullmatch(url.raw_host.decode("ascii")):
        raise InputError(f"Address ({text[:80]}) of the webhook is not allowed.", "https://host/path.")
    if url.userinfo or url.fragment:
        raise InputError("The address of the webhook has a user or a fragment.", "leave them out; calls are signed.")
    if not private:
        host = url.host.rstrip(".").lower()
        try:
            inside = not is_public(host.strip("[]"))
        except ValueError:
            inside = host == "localhost" or host.endswith((".localhost", ".local", ".internal")) or "." not in host
        if inside:
            raise InputError(f"Address ({text[:80]}) of the webhook is inside a network.", "a public address.")
    return str(url)


async def target_of(text: str, *, private: bool = False, lookup: Resolve = resolve) -> Target:
    """
    Where to connect to now.

    Raises TargetError where the name leads nowhere, or to an address that is not public.
    """
    try:
        url = httpx.URL(check_url(text, private=private))
    except InputError as error:
        raise TargetError(error.message) from error
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        addresses = await lookup(url.host, port)
    except OSError as error:
        raise TargetError(f"Host ({url.host}) cannot be found.") from error
    if not addresses:
        raise TargetError(f"Host ({url.host}) has no address.")
    if not private and not all(is_public(address) for address in addresses):
        raise TargetError(f"Host ({url.host}) leads into a network that is not public.")
    return Target(url.copy_with(host=addresses[0].partition("%")[0]), url.netloc.decode("ascii"), url.host)
