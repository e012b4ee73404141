"""Densities of inorganic solids, by what they are made of."""

from __future__ import annotations

import numpy as np

from nas_gym.errors import DataError
from nas_gym.tasks.chemistry.elements import known_elements
from nas_gym.tasks.chemistry.formulas import PROPERTIES, FormulaForm, parse_formula, reduced
from nas_gym.tasks.chemistry.records import FORMULA, IDENTIFIERS, INORGANIC, file_of, identifiers, table_rows
from nas_gym.tasks.data import Data

DENSITIES = "Misc/Physical Constants of Inorganic Compounds.csv"
VOLUMES = "Density/CRC Solid Inorganic Constant Densities.tsv"
MASS = PROPERTIES.index("atomic mass")
AGREE = 0.02
"""Largest difference, as a share, between a density and that by molar volume and formula."""


def inorganic_density() -> Data:
    """Densities in g/cm³ of about 1,500 inorganic solids near room temperature, of their formulas alone.

    The densities are those of the CRC Handbook of Chemistry and Physics ("Physical Constants of Inorganic
    Compounds") in the copy of the package `chemicals` (MIT), which brings the formulas by CAS number. Only
    solids for which formula, density and molar volume agree to 2% are examples: of some others the formula is
    that of another hydrate. Several solids of one composition, such as quartz and cristobalite, are one
    example with the mean of their densities, since features could not tell them apart.

    An example is a table's row: the share of each of 103 elements, and mean, standard deviation, smallest and
    largest value over the atoms of atomic number, period, group, covalent and van der Waals radius, mass and
    outer electrons. The score is R². The elements explain most of it; how atoms are packed is not in the
    features, so that even the best scores stay below 1. docs/domains/chemistry.md has what a ridge regression
    and a random forest reach. Agents are better ranked elsewhere: networks of the space `tabular` differ by
    1.6 times the noise of a seed, which is too little.
    """
    form = FormulaForm("formula", known_elements("inorganic_density"))
    formulas = identifiers(FORMULA, (*IDENTIFIERS, INORGANIC), "inorganic_density")
    volumes = dict(table_rows(file_of(VOLUMES, "inorganic_density"), "Vm"))
    masses = {symbol: numbers[MASS] for symbol, numbers in form.elements}
    densities: dict[str, list[float]] = {}
    texts: dict[str, str] = {}
    rows = 0
    for cas, density in table_rows(file_of(DENSITIES, "inorganic_density"), "rho"):
        rows += 1
        if cas not in formulas or cas not in volumes:
            continue
        try:
            amounts = parse_formula(formulas[cas])
        except DataError:
            continue
        mass = sum(masses.get(element, 0.0) * amount for element, amount in amounts.items())
        if set(amounts) <= set(masses) and abs(mass / 1000 / volumes[cas] / density - 1) <= AGREE:
            densities.setdefault(reduced(amounts), []).append(density / 1000)
            texts.setdefault(reduced(amounts), formulas[cas])
    keys = sorted(densities)
    return Data(
        form.encode([texts[key] for key in keys]),
        np.array([np.mean(densities[key]) for key in keys]),
        target_kind="values",
        target_names=("density in g/cm³",),
        feature_names=form.feature_names,
        files=form,
        notes=(
            f"{len(keys):,} solids of {rows:,} rows with a density: others are no solids, or their formula "
            "is unknown or does not fit the density",
        ),
    )
