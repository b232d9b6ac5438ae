"""What closing orders came to since the exchange last showed the positions."""

from dataclasses import dataclass, field, replace

from freqtrade_liquidation.model import AMOUNT_TOLERANCE, Position


@dataclass(slots=True)
class Sale:
    """One closing order. *filled*: base currency; ``None`` = not known (yet)."""

    filled: float | None = None


@dataclass(slots=True)
class Fills:
    """Forgets at each look: what was sent before it is in what it showed, or makes the position
    uncertain there."""

    _since: dict[str, list[Sale]] = field(default_factory=dict)

    def shown(self) -> None:
        """The exchange showed the positions."""
        self._since = {}

    def sent(self, pair: str) -> Sale:
        """A closing order is about to be sent; the caller says in it what became of it."""
        sale = Sale()
        self._since.setdefault(pair, []).append(sale)
        return sale

    def left_of(self, position: Position) -> Position | None:
        """What is left of *position* as it was last shown; uncertain if that cannot be known."""
        sales = self._since.get(position.pair, [])
        known = [sale.filled for sale in sales if sale.filled is not None]
        left = position.amount - sum(known)
        if left <= AMOUNT_TOLERANCE * position.amount:
            return None
        uncertain = position.uncertain or len(known) < len(sales)
        rest = replace(position, amount=left, uncertain=uncertain)
        return None if rest.is_dust else rest
