"""Properties of the elements, from the package ``chemicals``."""

from __future__ import annotations

from nas_gym.tasks.chemistry.formulas import Elements, place_in_table
from nas_gym.tasks.chemistry.records import file_of

TABLE = "Misc/Element data.csv"
LAST = 103  # of elements beyond, nothing is weighed
NUMBER, SYMBOL, COVALENT, VAN_DER_WAALS, MASS, OUTER = 2, 3, 4, 6, 7, 8
"""Columns of the table."""


def known_elements(task: str) -> Elements:
    """Return symbol and properties of the elements up to lawrencium.

    Raises:
        DataError: if the package is missing.
    """
    found = []
    for line in file_of(TABLE, task).read_text(encoding="utf-8").splitlines()[1:]:
        cells = line.split("\t")
        number = int(cells[NUMBER])
        if number <= LAST:
            period, group = place_in_table(number)
            measured = [float(cells[at]) for at in (COVALENT, VAN_DER_WAALS, MASS, OUTER)]
            found.append((number, cells[SYMBOL], (float(number), float(period), float(group), *measured)))
    return tuple((symbol, numbers) for _, symbol, numbers in sorted(found))
