"""Which of 16 languages a name is written in: countries, languages and currencies as CLDR calls them."""

from __future__ import annotations

import hashlib
from collections import Counter
from importlib.metadata import version

import numpy as np

from nas_gym.errors import DataError
from nas_gym.tasks.cache import Arrays, cached
from nas_gym.tasks.data import Data
from nas_gym.tasks.preparation import Size
from nas_gym.tasks.texts.form import form_for

LANGUAGES = {
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fi": "Finnish",
    "fr": "French",
    "hu": "Hungarian",
    "it": "Italian",
    "lt": "Lithuanian",
    "lv": "Latvian",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "tr": "Turkish",
}
KINDS = ("territories", "languages", "currencies", "scripts", "variants")
"""What Babel has names of, by the attribute of a locale."""
SHORTEST, LONGEST = 4, 20
LENGTH = 16
BESIDE_LETTERS = set(" -'\N{RIGHT SINGLE QUOTATION MARK}")
EACH = 500
"""Names of a language: as many as the language with the fewest has, rounded down."""


def language_id(
    train_size: Size | None = 3_000, validation_size: Size = 2_500, test_size: Size = 2_500
) -> Data:
    """8,000 names of countries, languages, currencies, scripts and dialects in 16 languages, 500 of each.

    Source: the Common Locale Data Repository of the Unicode Consortium (Unicode licence) as the package Babel
    (BSD) ships it, in the extra ``text``. Nothing is downloaded. Another version of Babel may have other
    names, which make another task: results are stored under what the names are.

    A name is in small letters, of 4 to 20 characters: letters, blanks, hyphens and apostrophes. One that two
    of the languages share, such as "angola", is left out, so that no example has two right answers. Of each
    language the 500 are taken whose SHA-256 is lowest, which is as good as by chance and the same everywhere.
    An example is the codes of the first 16 characters, which is all of 3 in 4 names, filled up with 0. A
    character that the training part has once or never counts as unknown; with Babel 2.19 some 80 remain.

    The classes are equally frequent: the best constant answer is right in 1 of 16 (.0625). The standard error
    of a validation accuracy, of 2,500 names, is at most .010, as is that of a test accuracy. A name of a
    country is often one name bent to the spelling of each language, so that accents and endings tell, and
    short names stay ambiguous: nothing is known to tell all of them. What plain methods and networks reach
    is measured in ``docs/domains/text.md``. For ranking agents take the table ``NASTable-Text-v0``, of
    recurrent networks: the best transformers are level.

    Args:
        train_size: as in `Preparation`.
        validation_size: as in `Preparation`.
        test_size: as in `Preparation`.

    Raises:
        NASGymError: if Babel is missing, or a version of it has fewer than 500 names of a language.
    """
    names, languages = _names()
    form = form_for(names, LENGTH, column="name")
    sizes = {"train_size": train_size, "validation_size": validation_size, "test_size": test_size}
    return Data(
        form.encode(names),
        languages,
        class_names=tuple(LANGUAGES.values()),
        coded=form.inputs,
        files=form,
        defaults=sizes,
    )


def _names() -> tuple[list[str], np.ndarray]:
    """Return the names and the number of the language of each."""
    try:
        import babel
    except ImportError:
        raise DataError("the task language_id needs the package babel: pip install 'nas-gym[text]'") from None
    key = {"babel": version(babel.__name__), "languages": list(LANGUAGES), "each": EACH, "form": 1}
    arrays = cached("language_id", key, _collected)
    return arrays["names"].tolist(), arrays["languages"]


def _collected() -> Arrays:
    found = [_of_language(code) for code in LANGUAGES]
    shared = Counter(name for names in found for name in names)
    names, languages = list[str](), list[int]()
    for number, every in enumerate(found):
        own = [name for name in every if shared[name] == 1]
        if len(own) < EACH:
            raise DataError(
                f"Babel {version('babel')} has {len(own)} names that are {list(LANGUAGES.values())[number]} "
                f"alone, the task language_id needs {EACH}: install babel>=2.17"
            )
        names += sorted(own, key=_rank)[:EACH]
        languages += [number] * EACH
    return {"names": np.array(names), "languages": np.array(languages, dtype=np.int64)}


def _of_language(code: str) -> set[str]:
    from babel import Locale

    locale = Locale.parse(code)
    every = (str(name).lower() for kind in KINDS for name in getattr(locale, kind).values())
    return {
        name
        for name in every
        if SHORTEST <= len(name) <= LONGEST and all(each.isalpha() or each in BESIDE_LETTERS for each in name)
    }


def _rank(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
