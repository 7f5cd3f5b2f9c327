"""`hutong demo --next-day`: a day passes in the synthetic city, and the feeds it concerns are run."""

from __future__ import annotations

from typing import Any

from cli.city import City
from cli.instance import Instance
from core import clock
from core.actor import Actor
from core.errors import NotReady
from core.hub import Hub
from core.text import T


def pass_a_day(instance: Instance, hub: Hub, actor: Actor) -> list[dict[str, Any]]:
    """What became of it, by feed: gone at the source and closed here, committed late and read here."""
    from demo import next_day
    from pipeline import definition, journey, mapping
    from schemas import published

    city = City(instance)
    kept = city.kept()
    if kept is None:
        raise NotReady(
            T("这里没有示范城市。", "There is no city here."),
            remedy=T("先运行 hutong demo。", "Run `hutong demo` first."),
        )
    city.open(kept, hub)
    happened = next_day.happens(
        {name: hub.secret(name) for name in kept.systems}, city.folder, clock.today(instance.settings.timezone)
    )
    found = []
    for feed in sorted(mapping.feed_ids(published.current(hub.home))):
        dataset = feed.partition(".")[2]
        if dataset not in happened.gone and dataset not in happened.late:
            continue
        batch = journey.run(hub, feed, actor)
        scans = definition.current(hub, feed).feed.key_scan is not None
        scanned = journey.scan(hub, feed, actor, now=True) if scans else None
        found.append({
            "feed": feed, "gone": happened.gone.get(dataset, 0), "closed": scanned.evidence["closed"] if scanned else 0,
            "late": happened.late.get(dataset, 0), "inserted": batch.evidence["inserted"] if batch else 0,
        })  # fmt: skip
    return found
