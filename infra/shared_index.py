"""`roxy index shared`: the index in Weaviate: what serves, how far it is behind the log, rebuild, swap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated, NamedTuple

import typer

from connectors.embedder import open_embedder
from connectors.journal import Journal, open_journal
from connectors.shared_index import open_shared_index
from infra.index import Json, cluster_settings, print_json, print_line, progress
from schemas.errors import InvalidInput, InvalidSetting
from schemas.settings import Settings
from streams.shared_writes import Progress, Target, lag, rebuild_shared


class SharedStatus(NamedTuple):
    """How the shared index stands."""

    serving: str
    generations: list[str]  #: oldest first
    lag: int  #: records of `chunks` that it does not have yet


def shared(
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Build a generation from the log, and let it serve.")] = False,
    swap: Annotated[str | None, typer.Option(help="Let this generation serve.")] = None,
    drop: Annotated[str | None, typer.Option(help="Delete this generation, which does not serve.")] = None,
    as_json: Json = False,
) -> None:
    """Look at the index that lies in Weaviate, build it anew, or let another generation of it serve."""
    if sum(map(bool, (rebuild, swap, drop))) > 1:
        raise InvalidInput("Only one of --rebuild, --swap and --drop can be done at a time.")
    with progress("Building", quiet=as_json) as (total, advance):
        seen = 0

        def report(done: int, of: int) -> None:
            nonlocal seen
            total(of)
            advance(done - seen)
            seen = done

        found = asyncio.run(change(cluster_settings(), rebuild=rebuild, swap=swap, drop=drop, report=report))
    if as_json:
        print_json(found._asdict())
        return
    print_line(f"[bold]{found.serving}[/] serves, {found.lag} records behind `chunks`.")
    for name in found.generations:
        if name != found.serving:
            print_line(f"{name} stands by: `roxy index shared --swap {name}`, or --drop it.")


async def change(
    settings: Settings,
    *,
    rebuild: bool = False,
    swap: str | None = None,
    drop: str | None = None,
    report: Progress = lambda done, total: None,
) -> SharedStatus:
    """Do one of it, or none, and look. Raises InvalidSetting, InvalidInput, IndexUnavailable, LogUnavailable."""
    async with _open(settings) as (journal, target):
        known = await target.shared.generations()
        for name in filter(None, (swap, drop)):
            if name not in known:
                raise InvalidInput(f"There is no generation {name}.", remedy=f"There are: {', '.join(known) or 'none'}.")
        if rebuild:
            await rebuild_shared(journal, target, progress=report)
        if swap:
            await target.shared.swap(swap)
        if drop:
            await target.shared.drop(drop)
        return SharedStatus(await target.shared.serving(), list(await target.shared.generations()), await lag(journal, target))


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[tuple[Journal, Target]]:
    """The journal and the shared index of the settings. The embedder only says which one: no text is embedded."""
    embedder = await asyncio.to_thread(open_embedder, settings.embedder, None)
    name, dims = (embedder.name, embedder.dims) if embedder else ("none", None)
    index = open_shared_index(settings, embedder=name, dims=dims)
    if index is None:
        remedy = "Run `roxy up --weaviate`, or set ROXY_WEAVIATE_URL, and ROXY_VECTOR_INDEX or ROXY_KEYWORD_INDEX to weaviate."
        raise InvalidSetting("No part of the index lies on a server.", remedy=remedy)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(index.close)
        yield await stack.enter_async_context(open_journal(settings)), Target(index, name, dims, settings.consumer_group)
