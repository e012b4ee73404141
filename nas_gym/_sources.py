"""Fingerprints of the user's own code, which results depend on and no version number names."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.machinery
import importlib.util
import inspect
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from nas_gym.errors import ConfigError

OURS = ("nas_gym", "nas_agents")
MAIN = ("__main__", "__mp_main__")
UNKNOWN = "unknown"
"""In place of a fingerprint, of code whose source nobody can read."""


def sources_of(part: object) -> dict[str, str]:
    """The fingerprints of the user's own code that a part runs: SHA-256 of source files, by module.

    For a class, a function or an object: the file of its module, and those of the modules that this
    imports, directly or not, as far as they are the user's, too. What nas-gym, Python and installed
    packages define is left out: their versions are recorded. For what the main program or a notebook
    defines, only the source of the class or function itself, as `inspect` finds it, and what the
    program imports; `UNKNOWN` where that is nowhere, as for a class that was typed in.

    Raises:
        NASGymError: if a file has changed since this process imported it, so that the code that
            runs is not the code that would be recorded.
    """
    found: dict[str, str] = {}
    for kind in _definitions(part):
        _add_definition(kind, found)
    return dict(sorted(found.items()))


def _add_definition(kind: Any, found: dict[str, str]) -> None:
    module = sys.modules.get(str(kind.__module__))
    if module is None or module.__name__.partition(".")[0] in OURS or _is_python(module):
        return
    if module.__name__ in MAIN:
        found[f"__main__:{kind.__qualname__}"] = _own_source(kind)
        if file := _file_of(module):
            _follow(_imported(file, ""), found)
    else:
        _add(module, found)


def _definitions(part: object, *, held: bool = True) -> Iterator[Any]:
    """The classes and functions that a part is of: its own, those it derives from, those that it holds."""
    if isinstance(part, functools.partial):
        yield from _definitions(part.func)
    elif inspect.ismethod(part):
        yield from _definitions(part.__self__)
    elif inspect.isroutine(part):
        yield inspect.unwrap(part)
    else:
        kind = part if isinstance(part, type) else type(part)
        yield kind
        yield from (base for base in kind.__mro__[1:] if _is_users(base))
        if held and not isinstance(part, type) and _is_users(kind):
            for each in vars(part).values() if hasattr(part, "__dict__") else ():
                if callable(each) and not isinstance(each, type):
                    yield from _definitions(each, held=False)


def _is_users(kind: type) -> bool:
    """Whether a class is defined in the user's own code, a main program's too."""
    return kind.__module__ in MAIN or _is_own(sys.modules.get(kind.__module__))


def _own_source(kind: Any) -> str:
    try:
        return _digest(inspect.getsource(kind).encode())
    except (OSError, TypeError):
        return UNKNOWN


def _add(module: ModuleType, found: dict[str, str]) -> None:
    """Add a module and what it imports."""
    if module.__name__ in found:
        return
    file = _file_of(module)
    found[module.__name__] = UNKNOWN if file is None else _loaded(module, file)
    if file is not None:
        _follow(_imported(file, module.__package__ or ""), found)


def _follow(names: tuple[str, ...], found: dict[str, str]) -> None:
    for name in names:
        module = sys.modules.get(name)
        if module is not None and _is_own(module):
            _add(module, found)
        elif module is None and name not in found and (file := _file_of_name(name)):
            found[name] = _digest_of(file)
            _follow(_imported(file, name.rpartition(".")[0]), found)


# By module, with the spec that its last import or reload made: the fingerprint of what was loaded.
_LOADED: dict[str, tuple[object, str]] = {}


def _loaded(module: ModuleType, file: Path) -> str:
    now = _digest_of(file)
    spec, first = _LOADED.get(module.__name__, (None, ""))
    if spec is None or spec is not module.__spec__:
        _LOADED[module.__name__] = (module.__spec__, now)
    elif first != now:
        raise ConfigError(
            f"{file} has changed since this process imported it, so what runs is not what is in the file: "
            "start a new process"
        )
    return now


def _digest_of(file: Path) -> str:
    try:
        return _digest(file.read_bytes())
    except OSError:
        return UNKNOWN


def _digest(content: bytes) -> str:
    # Line ends differ between systems, and change nothing.
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def _file_of(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file) if file else None


def _file_of_name(name: str) -> Path | None:
    """The user's own file of a module that is not imported yet; a part of a package needs its package."""
    parent = name.rpartition(".")[0]
    if parent and parent not in sys.modules:
        return None
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None or not spec.has_location or spec.origin is None:
        return None
    file = Path(spec.origin)
    return file if _is_own_file(name, file) else None


def _is_own(module: ModuleType | None) -> bool:
    file = None if module is None else _file_of(module)
    return module is not None and file is not None and _is_own_file(module.__name__, file)


@functools.lru_cache(maxsize=1024)
def _is_own_file(name: str, file: Path) -> bool:
    if name in MAIN or name.partition(".")[0] in OURS:
        return False
    return not any(file.resolve().is_relative_to(folder) for folder in _installed())


def _is_python(module: ModuleType) -> bool:
    """Whether a module is of Python itself."""
    return module.__name__.partition(".")[0] in sys.stdlib_module_names


@functools.cache
def _installed() -> tuple[Path, ...]:
    """Where Python and installed packages are."""
    folders = {Path(path).resolve() for path in sysconfig.get_paths().values() if path}
    folders |= {
        Path(path).resolve() for path in sys.path if Path(path).name in ("site-packages", "dist-packages")
    }
    scripts = {Path(sysconfig.get_path(name)).resolve() for name in ("scripts", "data")}
    return tuple(folders - scripts)


@functools.lru_cache(maxsize=256)
def _parsed(file: Path, modified: int, package: str) -> tuple[str, ...]:
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ()
    names: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= dict.fromkeys(part for alias in node.names for part in _prefixes(alias.name))
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            inner = [f"{base}.{alias.name}" for alias in node.names] if base else []
            names |= dict.fromkeys([*_prefixes(base), *inner])
    return tuple(names)


def _imported(file: Path, package: str) -> tuple[str, ...]:
    """The names of the modules that a file imports anywhere, in functions too."""
    if file.suffix not in importlib.machinery.SOURCE_SUFFIXES or not file.exists():
        return ()
    return _parsed(file, file.stat().st_mtime_ns, package)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    base = package.rsplit(".", node.level - 1)[0] if node.level > 1 else package
    return ".".join(part for part in (base, node.module) if part)


def _prefixes(name: str) -> list[str]:
    """A dotted name and the packages that it is in: those run first."""
    parts = name.split(".") if name else []
    return [".".join(parts[: count + 1]) for count in range(len(parts))]
