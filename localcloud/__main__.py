"""`python -m localcloud`: the command line of the stand-in."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, TypeVar

from localcloud import assumptions
from localcloud.access.keys import account_project
from localcloud.addresses import Address, parse_address
from localcloud.archive import ArchiveError
from localcloud.policy_log import LONGEST_DELAY_S
from localcloud.quota import ENFORCED, REQUESTS_PER_MINUTE, REQUESTS_PER_SECOND, Limits, parse_limit
from localcloud.server import CannotListen, NameServer, Resolver, Settings, serve

_DESCRIPTION = """\
A stand-in for Google Cloud DNS (v1) and Resource Manager (v3, v1), and for AWS Route 53 (2013-04-01): the same API over
HTTP, and the zones' names over real DNS. When everything listens it prints one line:

  localcloud ready api=http://HOST:PORT dns=HOST:PORT[,…] [resolver=HOST:PORT[,…]]
"""
_EPILOG = """\
Point a client at it:

  google.cloud.dns.Client(project="demo-project", credentials=AnonymousCredentials(),
                          client_options={"api_endpoint": "http://127.0.0.1:8053"})
  dig @127.0.0.1 -p 5354 service.ml.example.com

Without --enforce-iam there is no authentication: whoever reaches the API may change every zone. With it, whoever
reaches the controls may still make keys. So it listens on loopback unless you say otherwise, e.g.
--api 0.0.0.0:8053 --dns 0.0.0.0:5354 inside a container.

Control: GET /_localcloud/stats (calls by method and code), POST /_localcloud/reset (forget everything),
POST, GET, DELETE /_localcloud/faults (errors, cut connections and waits on demand) and /_localcloud/quota (limits),
POST /_localcloud/keys (a key file of a service account).
"""

_OWNER = "owner@demo-project.iam.gserviceaccount.com"

T = TypeVar("T")


def _checked(parse: Callable[[str], T]) -> Callable[[str], T]:
    """argparse swallows the text of a ValueError; this keeps it."""

    def convert(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return convert


def _name_server(text: str) -> NameServer:
    address, plus, behind = text.partition("+")
    return NameServer(parse_address(address), _seconds(behind) if plus else 0.0)


def _resolver(text: str) -> Resolver:
    address, equals, network = text.partition("=")
    if equals and "projects/" not in network and not network.startswith("vpc-"):
        raise ValueError(f"{network!r} is neither a network URL (projects/PROJECT/global/networks/NAME) nor a vpc-…")
    return Resolver(parse_address(address), network or None)


def _seconds(text: str) -> float:
    """Seconds from a number of milliseconds."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r} is not a number of milliseconds")
    return int(text) / 1000


def _grant_delay(text: str) -> float:
    delay = _seconds(text)
    if delay > LONGEST_DELAY_S:
        raise ValueError(f"{text!r} is longer than the hour for which policies are remembered")
    return delay


def _owner(text: str) -> str:
    if account_project(text) is None:
        raise ValueError(f"{text!r} is not the address of a service account (NAME@PROJECT.iam.gserviceaccount.com)")
    return text.lower()


def _page_size(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= assumptions.MAX_PAGE_SIZE):
        raise ValueError(f"{text!r} is not a number from 1 to {assumptions.MAX_PAGE_SIZE}")
    return int(text)


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"localcloud: {message} (--help shows the options)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m localcloud",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_addresses(parser)
    _add_behaviour(parser)
    _add_limits(parser)
    _add_access(parser)
    return parser


def _add_addresses(parser: argparse.ArgumentParser) -> None:
    address = _checked(parse_address)
    parser.add_argument(
        "--api",
        metavar="HOST:PORT",
        type=address,
        default=Address("127.0.0.1", 8053),
        help="where the HTTP API listens (127.0.0.1:8053); port 0 takes a free one, here and below",
    )
    parser.add_argument(
        "--host-name",
        metavar="NAME",
        action="append",
        default=[],
        help="a further name by which the API is called (Host); addresses, names without a dot and Google's are always"
        " taken, any other is refused, as it could be a web page's; may be repeated",
    )
    parser.add_argument(
        "--dns",
        metavar="HOST:PORT[+MS]",
        type=_checked(_name_server),
        action="append",
        default=[],
        help="an authoritative name server for the public zones, UDP and TCP (127.0.0.1:5354); with +MS it lags behind"
        " the others by so many milliseconds; may be repeated",
    )
    parser.add_argument(
        "--resolver",
        metavar="HOST:PORT[=NETWORK]",
        type=_checked(_resolver),
        action="append",
        default=[],
        help="a caching resolver for the public zones and, with a network URL, the private zones bound to that"
        " network; may be repeated (none)",
    )


def _add_behaviour(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", metavar="DIR", type=Path, help="keep zones and policies in this directory (forget them at exit)"
    )
    times = (
        ("--latency-ms", 0, "how much longer each API call takes"),
        ("--done-ms", 500, "how long a change stays 'pending'"),
        ("--serve-ms", 1000, "how long the name servers lag behind the API, whatever a change's status says"),
        ("--request-ms", 30_000, "how long a client may take to send a whole request before its connection is cut"),
    )
    for flag, default, text in times:
        parser.add_argument(
            flag, metavar="N", type=_checked(_seconds), default=default / 1000, help=f"{text} ({default})"
        )
    parser.add_argument(
        "--page-size",
        metavar="N",
        type=_checked(_page_size),
        default=assumptions.MAX_PAGE_SIZE,
        help=f"the most entries in one page of a list ({assumptions.MAX_PAGE_SIZE})",
    )


def _add_limits(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--quota",
        metavar="NAME=N",
        type=_checked(parse_limit),
        action="append",
        default=[],
        help=f"another limit than Google's default: {', '.join(ENFORCED)}; or {REQUESTS_PER_MINUTE}, to each API of a"
        f" project, or {REQUESTS_PER_SECOND}, to Route 53 (not limited); may be repeated",
    )


def _add_access(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--enforce-iam",
        metavar="OWNER",
        type=_checked(_owner),
        nargs="?",
        const=_OWNER,
        help="ask every caller for a token and hold it to the policies; the service account OWNER may do everything"
        f" ({_OWNER})",
    )
    parser.add_argument(
        "--grant-delay-ms",
        metavar="N",
        type=_checked(_grant_delay),
        help="how long after it is set a policy is enforced (0); with --enforce-iam",
    )


def parse_arguments(arguments: Sequence[str]) -> Settings:
    """Settings from the command line; exits with a one-line error for a bad one."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.grant_delay_ms is not None and given.enforce_iam is None:
        parser.error("argument --grant-delay-ms: without --enforce-iam no grant is enforced")
    return Settings(
        api=given.api,
        dns=tuple(given.dns) or (NameServer(Address("127.0.0.1", 5354)),),
        resolvers=tuple(given.resolver),
        data=given.data,
        latency=given.latency_ms,
        done_after=given.done_ms,
        serve_after=given.serve_ms,
        page_size=given.page_size,
        limits=Limits().changed(dict(given.quota)),
        owner=given.enforce_iam,
        grant_delay=given.grant_delay_ms or 0.0,
        host_names=tuple(given.host_name),
        request_seconds=given.request_ms,
    )


def _warn_of_exposure(settings: Settings) -> None:
    addresses = [settings.api, *(server.address for server in settings.dns)]
    addresses += [resolver.address for resolver in settings.resolvers]
    exposed = [str(address) for address in addresses if not address.is_loopback]
    if exposed:
        print(
            f"localcloud: warning: {', '.join(exposed)} can be reached from other machines, and"
            f" {'there is no authentication' if settings.owner is None else 'its controls know no authentication'}",
            file=sys.stderr,
        )


def main(arguments: Sequence[str]) -> int:
    """Run until a signal; 0 after an orderly end, 1 when it could not start."""
    settings = parse_arguments(arguments)
    _warn_of_exposure(settings)
    try:
        asyncio.run(serve(settings))
    except (CannotListen, ArchiveError) as error:
        print(f"localcloud: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
