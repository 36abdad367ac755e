"""Where a scoring system has to send to, and where other machines find the pages."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from ipaddress import ip_address
from typing import NamedTuple

import psutil
from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host


class Target(NamedTuple):
    """An address and a port to type into a scoring system; `network` names the interface."""

    address: str
    port: int
    network: str
    local_only: bool  # only programs on this machine can reach it


def machine_addresses() -> list[tuple[str, str]]:
    """(interface, IPv4 address) of every interface that is up; loopback only if there is no other."""
    up = {name for name, stats in psutil.net_if_stats().items() if stats.isup}
    found = [
        (name, entry.address)
        for name, entries in psutil.net_if_addrs().items()
        for entry in entries
        if entry.family == socket.AF_INET and (not up or name in up)
    ]
    outside = [(name, address) for name, address in found if not ip_address(address).is_loopback]
    return outside or found


def page_addresses(request: HttpRequest) -> list[str]:
    """Under which the pages can be opened from other machines, as 'http://192.168.1.10:8000'.

    Empty when they answer to this machine alone. The one by which this page was opened comes first.
    """
    _, port = split_domain_port(request.get_host())
    mine = [f"{address}:{port}" if port else address for _, address in machine_addresses()]
    hosts = dict.fromkeys([request.get_host(), *mine])
    return [f"{request.scheme}://{host}" for host in hosts if _is_let_in(split_domain_port(host)[0])]


def _is_let_in(name: str) -> bool:
    return not _is_loopback(name) and validate_host(name, settings.ALLOWED_HOSTS)


def targets(listen: Iterable[str]) -> list[Target]:
    """What to type in, for listening addresses as `0.0.0.0:6000`; those that make no sense are left out."""
    found: list[Target] = []
    for text in listen:
        host, _, port = text.rpartition(":")
        host = host.strip("[]")
        if not port.isdigit():
            continue
        everywhere = host in ("", "0.0.0.0", "::")  # noqa: S104  compared, not listened on
        addresses = machine_addresses() if everywhere else [("", host)]
        for network, address in addresses:
            found.append(Target(address, int(port), network, _is_loopback(address)))
    return list(dict.fromkeys(found))


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return address == "localhost"
