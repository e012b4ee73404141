"""Forms by kind, a line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nas_gym.tasks.chemistry.formulas import FormulaForm
from nas_gym.tasks.chemistry.molecules import MoleculeForm
from nas_gym.tasks.forms.base import ExampleForm
from nas_gym.tasks.media.images import ImageForm
from nas_gym.tasks.media.log_mel import LogMelForm
from nas_gym.tasks.media.signals import SignalForm
from nas_gym.tasks.pairs.form import PairForm
from nas_gym.tasks.series.form import SeriesForm
from nas_gym.tasks.texts.form import TextForm

FORMS: dict[str, Callable[..., ExampleForm]] = {
    ImageForm.kind: ImageForm,
    SignalForm.kind: SignalForm,
    LogMelForm.kind: LogMelForm,
    SeriesForm.kind: SeriesForm.of,
    PairForm.kind: PairForm,
    TextForm.kind: TextForm,
    MoleculeForm.kind: MoleculeForm,
    FormulaForm.kind: FormulaForm,
}


def form_of(config: Mapping[str, Any]) -> ExampleForm:
    """Return the form of a config."""
    options = dict(config)
    return FORMS[options.pop("kind")](**options)
