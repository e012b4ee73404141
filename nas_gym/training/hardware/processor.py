"""The processor, as far as results on it depend on it.

Libraries under torch choose how they multiply matrices by the processor they find: by its maker, family
and model, by the instructions it offers, by the size of its caches. Two processors that both have
AVX512 can therefore sum in another order, and training amplifies what rounding differs by.
"""

from __future__ import annotations

import platform
import re
import zlib
from functools import cache
from pathlib import Path

import torch

CPUINFO = Path("/proc/cpuinfo")
CACHE = Path("/sys/devices/system/cpu/cpu0/cache/index2/size")

_MAKE = ("vendor_id", "cpu family", "model", "CPU implementer", "CPU variant", "CPU part")
_INSTRUCTIONS = ("avx", "amx", "fma", "sse", "f16c", "asimd", "sve", "bf16", "i8mm", "fphp")


def computer_name(device: torch.device) -> str:
    """The name of a device as far as results depend on it: of the processor, or of the card."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return processor_name() if device.type == "cpu" else ""


@cache
def processor_name() -> str:
    """The instruction set that torch uses, the processor's make and instructions, and its second cache.

    For example ``"AVX512, GenuineIntel 6 207 8d1f03a2, 2048K"``: maker, family, model, a checksum of
    the instructions for arithmetic. Where the system does not say, what Python knows of the processor.
    """
    parts = [torch.backends.cpu.get_cpu_capability(), _make(CPUINFO), _text(CACHE).strip()]
    return ", ".join(filter(None, parts))


def _make(cpuinfo: Path) -> str:
    first = _text(cpuinfo).partition("\n\n")[0]
    fields = dict(re.findall(r"^(.+?)\s*:\s*(.*)$", first, re.MULTILINE))
    make = [fields[name] for name in _MAKE if name in fields]
    if not make:
        return platform.processor() or platform.machine()
    flags = (fields.get("flags") or fields.get("Features") or "").split()
    arithmetic = " ".join(sorted(flag for flag in flags if flag.startswith(_INSTRUCTIONS)))
    return " ".join([*make, f"{zlib.crc32(arithmetic.encode()):08x}"])


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
