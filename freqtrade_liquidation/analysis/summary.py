"""The distribution of what a stop costs, and what else the whole of the moments says."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from freqtrade_liquidation.analysis.choosing import WorstHour, worst_hour
from freqtrade_liquidation.analysis.market import Market
from freqtrade_liquidation.analysis.moments import Moments
from freqtrade_liquidation.analysis.pace import Pace

QUANTILES: Final = {"5 %": 0.05, "median": 0.5, "95 %": 0.95}


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The cost of a stop at one place of the distribution.

    :param cost: stake currency; negative = the stop saves.
    :param ratio: of the exposure then; of a quantile, the quantile of the ratios.
    :param moment: index; ``None`` for what no single moment stands for.
    """

    cost: float
    ratio: float
    moment: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the moments with an open position say together.

    :param looked_at: moments.
    :param with_positions: of them, with an open position: all that follows is about these.
    :param points: ``5 %``, ``median``, ``95 %``, ``mean``, ``worst``, ``best``.
    :param friction: median of what fees and slippage of the close alone cost.
    :param most_positions: at once.
    :param longest_s: the longest estimated time to flat.
    """

    looked_at: int
    with_positions: int
    points: dict[str, Point]
    friction: float
    stops_that_cost: int
    most_positions: int
    most_exposure: float
    longest_s: float
    worst_hour: WorstHour | None


def summarise(
    market: Market, moments: Moments, pace: Pace, *, among: Sequence[int] | None = None
) -> Summary:
    """The summary of all moments, or of those whose indices are given.

    :param among: indices; the worst hour is always sought among all.
    """
    indices = np.arange(len(moments)) if among is None else np.array(among, dtype=np.int64)
    held = indices[moments.positions[indices] > 0]
    cost, exposure = moments.cost[held], moments.exposure[held]
    return Summary(
        looked_at=len(indices),
        with_positions=len(held),
        points=_points(held, cost, exposure) if len(held) else {},
        friction=float(np.median(moments.fees[held] + moments.slippage[held])) if len(held) else 0,
        stops_that_cost=int((cost > 0).sum()),
        most_positions=int(moments.positions[indices].max(initial=0)),
        most_exposure=float(moments.exposure[indices].max(initial=0.0)),
        longest_s=float(pace.time_to_flat_s(moments.positions[indices]).max(initial=0.0)),
        worst_hour=worst_hour(market, moments),
    )


def _points(
    held: npt.NDArray[Any], cost: npt.NDArray[Any], exposure: npt.NDArray[Any]
) -> dict[str, Point]:
    ratio = cost / exposure

    def single(place: Any) -> Point:
        return Point(
            cost=float(cost[place]), ratio=float(ratio[place]), moment=int(held[int(place)])
        )

    shares = list(QUANTILES.values())
    quantiles = zip(
        QUANTILES, np.quantile(cost, shares), np.quantile(ratio, shares), strict=True
    )  # fmt: skip
    points = {name: Point(cost=float(c), ratio=float(r)) for name, c, r in quantiles}
    mean = Point(cost=float(cost.mean()), ratio=float(cost.sum() / exposure.sum()))
    return points | {
        "mean": mean,
        "worst": single(np.argmax(cost)),
        "best": single(np.argmin(cost)),
    }


def to_dict(summary: Summary, market: Market) -> dict[str, Any]:
    """Plain values, moments as ISO 8601."""
    plain = asdict(summary)
    for point in plain["points"].values():
        if point["moment"] is not None:
            point["moment"] = market.moment(point["moment"]).isoformat()
    if hour := plain["worst_hour"]:
        hour["start"], hour["end"] = (
            market.moment(hour[end]).isoformat() for end in ("start", "end")
        )
    return plain
