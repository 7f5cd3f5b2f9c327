"""quality: how good each resource is, in the six dimensions of GB/T 36344."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli import output, session
from cli.output import Column, Json
from core.text import T


def register(app: typer.Typer) -> None:
    """Put the command in place."""
    app.command(
        help=str(
            T(
                "数据质量:按 GB/T 36344 六个维度,给出每项资源的得分",
                "quality of each resource in the six dimensions of GB/T 36344",
            )
        )
    )(quality)


def quality(
    dataset: Annotated[
        str | None, typer.Argument(help=str(T("一项资源,给出分子分母", "one resource, with fractions")))
    ] = None,
    measure: Annotated[bool, typer.Option("--measure", help=str(T("先重新测量", "measure anew first")))] = False,
    as_json: Json = False,
) -> None:
    """Percent of what was assessed; docs/how-to/quality.md has the formulas. What changed is measured after each delivery."""
    from catalog_registry import filters, systems
    from catalog_registry import quality as qualities
    from libraries import labels
    from pipeline.quality import DIMENSIONS
    from schemas import published

    with session.opened() as hub:
        now = published.current(hub.home)
        with hub.read() as connection:
            filters.dataset(hub, connection, dataset)
        qualities.measure_due(hub, every=measure)
        chosen = [dataset] if dataset else sorted(systems.feeds_of(now))
        with hub.read() as connection:
            found = [one for id in chosen if (one := qualities.read(connection, now, id)) is not None]
            last = _last(connection, dataset) if dataset else {}
    if as_json:
        output.document(
            [
                {"dataset": one.dataset, **qualities.as_json(one)} | ({"last_batch": last} if last else {})
                for one in found
            ]
        )
    elif dataset is None:
        rows = [
            {
                "dataset": output.named(labels.resource(now, one.dataset), one.dataset), "score": one.score,
                **{name: m.score for name, m in one.measures.items()},
            }
            for one in found
        ]  # fmt: skip
        titles = DIMENSIONS.items()
        columns = [Column("dataset", T("资源", "dataset")), Column("score", T("总分", "score"), right=True)]
        output.table(rows, [*columns, *(Column(name, title, right=True) for name, title in titles)])
    else:
        output.table([row for one in found for row in _rows(one, last)], _DIMENSION)


def _rows(one: Any, last: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    from pipeline.quality import DIMENSIONS

    return [
        {"title": DIMENSIONS[name], **measure.as_json(), "batch": last.get(name, {}).get("score")}
        for name, measure in one.measures.items()
    ]


def _last(connection: Any, dataset: str | None) -> dict[str, dict[str, Any]]:
    """The figures of the last batch that has some."""
    from sqlalchemy import text

    from pipeline.quality import in_evidence

    evidence = connection.execute(
        text(
            "SELECT evidence FROM hub.batch WHERE dataset = :dataset AND origin = 'feed' AND evidence ? 'quality' "
            "ORDER BY seq DESC LIMIT 1"
        ),
        {"dataset": dataset},
    ).scalar()
    return {name: measure.as_json() for name, measure in in_evidence(evidence or {}).items()}


_DIMENSION = [
    Column("title", T("维度", "dimension")),
    Column("score", T("得分", "score"), right=True),
    Column("good", T("合格", "good"), right=True),
    Column("assessed", T("评估", "assessed"), right=True),
    Column("batch", T("最近批次", "last batch"), right=True),
]
