"""The budget of a training run: computation, parameters and tokens, loss, days and cost (lesson 11)."""

from collections.abc import Mapping, Sequence

import numpy as np

from llmviz import plots
from llmviz.plots import _validation as validation
from llmviz.training.scaling import OPERATIONS, LossLaw
from llmviz.widgets.base import JS, Explorer, Table

MACHINES = {
    "cores of a laptop": {
        "one": "1 core of a laptop", "speed": 6e10, "used": 0.8, "watts": 30, "memory": 16e9, "dollars": 0.0
    },
    "H100 cards": {
        "one": "1 H100 card", "speed": 989e12, "used": 0.4, "watts": 700, "memory": 80e9, "dollars": 2.0
    },
}  # fmt: skip
"""Operations a second at most, the share of them that training uses, watts, bytes of memory, dollars an hour (assumed).

H100: NVIDIA's data sheet (bf16, dense); used share: Grattafiori et al. 2024, "The Llama 3 Herd of Models", section
3.3.2 (0.38 to 0.43)."""
COUNTS = tuple(4**power for power in range(8))
DAYS = (0.01, 0.1, 0.3, 1, 3, 10, 30, 100)
SIZES = tuple(round(10 ** (power / 4), 4) for power in range(-6, 7))
_BYTES, _DAY, _HIGHEST_POWER, _EXPONENT_RANGE = 16, 86_400, 40, 3


class BudgetExplorer(Explorer):
    """A training budget: choose machines, days and the size of the model; a fitted law gives the loss and its error.

    Args:
        laws: name → the laws of equally good fits (`scaling.LossLaw`), the best one first.
        limits: name → the power of ten of the most operations with which a model of the fit was trained.

    Raises ValueError without a law, and for a law without a limit. Lesson 11.
    """

    module = JS / "budget.js"
    title = "Budget explorer"

    def __init__(self, laws: Mapping[str, Sequence[LossLaw]], *, limits: Mapping[str, float]):
        if not isinstance(laws, Mapping) or not laws or not all(len(fits) for fits in laws.values()):
            raise ValueError("laws must map names to fitted laws, such as {'published': scaling.PUBLISHED_LAWS}")
        self.laws = {str(name): [list(map(float, one)) for one in fits] for name, fits in laws.items()}
        for name, fits in self.laws.items():
            numbers = validation.finite_numbers(fits, f"the laws of {name!r}", 2)
            if numbers.shape[1] != len(LossLaw._fields) or (numbers[:, 1:] <= 0).any():
                raise ValueError(f"a law of {name!r} must have five numbers above 0: {', '.join(LossLaw._fields)}")
            if (abs(np.log(numbers[:, 2::2])) > _EXPONENT_RANGE).any():
                raise ValueError(f"alpha and beta of {name!r} must lie between 0.05 and 20, but are {numbers[:, 2::2]}")
        if not isinstance(limits, Mapping) or set(map(str, limits)) != set(self.laws):
            raise ValueError(f"limits must give a power of ten for each of {', '.join(map(repr, self.laws))}")
        powers = validation.finite_numbers([*limits.values()], "limits", 1)
        if (powers < 0).any() or (powers > _HIGHEST_POWER).any():
            raise ValueError(f"limits are powers of ten from 0 to {_HIGHEST_POWER}, but are {powers.tolist()}")
        self.limits = {str(name): float(f"{10**power:.3g}") for name, power in zip(limits, powers, strict=True)}

    def traits(self) -> dict:
        laws = [{"name": name, "fits": fits, "limit": self.limits[name]} for name, fits in self.laws.items()]
        machines = [{"name": name, **one} for name, one in MACHINES.items()]
        payload = {"laws": laws, "machines": machines, "counts": COUNTS, "days": DAYS, "sizes": SIZES,
                   "operations": OPERATIONS, "bytes": _BYTES}  # fmt: skip
        return {"payload": payload, "law": 0, "machine": 0, "count": 0, "day": 3, "size": SIZES.index(1)}

    def _plan(self) -> tuple[str, float, list[list[float]]]:
        """Shown first: the law; operations; for each size its parameters, tokens, loss, lowest and highest loss."""
        machine, (name, fits) = next(iter(MACHINES.values())), next(iter(self.laws.items()))
        laws = [LossLaw(*one) for one in fits]
        compute = machine["speed"] * machine["used"] * DAYS[3] * _DAY
        best, rows = laws[0].best_size(compute), []
        for factor in SIZES:
            size, tokens = best * factor, compute / OPERATIONS / (best * factor)
            losses = [law.loss(size, tokens) for law in laws]
            rows.append([size, tokens, losses[0], min(losses), max(losses)])
        return name, compute, rows

    def sentence(self) -> str:
        name, compute, rows = self._plan()
        size, tokens, loss, low, high = rows[SIZES.index(1)]
        return (
            f"1 core of a laptop, 1 day: {compute:.1e} operations. By the law “{name}” the best model has "
            f"{size:.2g} parameters and reads {tokens:.2g} tokens, {tokens / size:.2g} a parameter: loss {loss:.2f} "
            f"({low:.2f} to {high:.2f} by other fits). The law was fitted to models with at most "
            f"{self.limits[name]:.0e} operations."
        )

    def table(self) -> Table:
        columns = ["parameters", "tokens", "tokens a parameter", "loss", "by other fits"]
        rows = [[f"{size:.2g}", f"{tokens:.2g}", f"{tokens / size:.2g}", f"{loss:.2f}", f"{low:.2f} to {high:.2f}"]
                for size, tokens, loss, low, high in self._plan()[2]]  # fmt: skip
        return Table("The same computation, spent on models of several sizes", columns, rows)

    def picture(self) -> bytes:
        name, _, rows = self._plan()
        sizes, _, losses, low, high = np.array(rows).T
        lines = {"loss": losses, "lowest fit": low, "highest fit": high}
        axes = plots.curves(sizes, lines, x_label="parameters", y_label="loss", x_scale="log", title=f"One day: {name}")
        return plots.to_png(axes)
