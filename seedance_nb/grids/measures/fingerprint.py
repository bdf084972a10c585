"""What a measure is made of, as one hash: its source, and all that it takes from around itself. Equal sources measure alike."""

from __future__ import annotations

import functools
import hashlib
import inspect
import pickle
import sys
import sysconfig
import textwrap
import types
from typing import Any

DEEPEST = 20
_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})


def source_hash(measure: Any) -> str:
    """64 hex digits over the source of a function or of an object's class, its defaults, what it holds, and the functions, classes and values
    that it names; of what was installed, name and version count.
    """
    parts: list[str] = []
    _walk(measure, parts, {}, 0)
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()


def _walk(found: Any, parts: list[str], seen: dict[int, Any], depth: int) -> None:
    if id(found) in seen or depth > DEEPEST:
        parts.append("again")
        return
    if not isinstance(found, str | bytes | int | float | complex | bool | None):
        # Of equal values, which of them is the same object is chance. Kept alive, or its id would soon be another's.
        seen[id(found)] = found
    if isinstance(found, types.ModuleType):
        parts.append(f"module {found.__name__} {_version(found.__name__)}")
    elif isinstance(found, functools.partial):
        parts.append("partial")
        for part in (found.func, found.args, found.keywords):
            _walk(part, parts, seen, depth + 1)
    elif isinstance(found, types.MethodType):
        parts.append(f"method {found.__name__}")
        _walk(found.__self__, parts, seen, depth + 1)
        _walk(found.__func__, parts, seen, depth + 1)
    elif isinstance(found, types.FunctionType | type):
        _walk_definition(found, parts, seen, depth)
    elif isinstance(found, dict):
        parts.append(f"dict of {len(found)}")
        for key in sorted(found, key=repr):
            parts.append(repr(key))
            _walk(found[key], parts, seen, depth + 1)
    elif isinstance(found, list | tuple):
        parts.append(f"{type(found).__name__} of {len(found)}")
        for part in found:
            _walk(part, parts, seen, depth + 1)
    elif isinstance(found, set | frozenset):
        parts.append(f"set {sorted(map(repr, found))}")
    elif isinstance(found, str | bytes | int | float | complex | bool | None):
        parts.append(f"{type(found).__name__} {found!r}")
    elif isinstance(found, types.BuiltinFunctionType) or not hasattr(found, "__dict__"):
        parts.append(_pickled(found))
    else:
        parts.append("object")
        _walk(type(found), parts, seen, depth + 1)
        _walk(vars(found), parts, seen, depth + 1)


def _walk_definition(found: types.FunctionType | type, parts: list[str], seen: dict[int, Any], depth: int) -> None:
    module = getattr(found, "__module__", None) or ""
    parts.append(f"{module if module != '__mp_main__' else '__main__'} {found.__qualname__}")
    if _is_installed(module):
        parts.append(_version(module))
        return
    parts.append(_source(found))
    if isinstance(found, type):
        functions: list[types.FunctionType] = [
            part for _, part in sorted(vars(found).items()) if isinstance(part, types.FunctionType)
        ]
        inner = [p.__func__ for _, p in sorted(vars(found).items()) if isinstance(p, staticmethod | classmethod)]
        functions += [function for function in inner if isinstance(function, types.FunctionType)]
        for base in found.__bases__:
            _walk(base, parts, seen, depth + 1)
    else:
        functions = [found]
    for function in functions:
        _walk(function.__defaults__, parts, seen, depth + 1)
        _walk(function.__kwdefaults__, parts, seen, depth + 1)
        try:
            around = inspect.getclosurevars(function)
        except (TypeError, ValueError):  # a cell that nothing has filled yet
            continue
        for names in (around.nonlocals, around.globals):
            _walk({name: value for name, value in names.items() if value is not found}, parts, seen, depth + 1)


def _source(found: types.FunctionType | type) -> str:
    try:
        return textwrap.dedent(inspect.getsource(found))
    except (OSError, TypeError):  # made by exec, or at a prompt that keeps nothing
        functions = [found] if isinstance(found, types.FunctionType) else vars(found).values()
        return " ".join(_code(f.__code__) for f in functions if isinstance(f, types.FunctionType))


def _code(code: types.CodeType) -> str:
    constants = [_code(part) if isinstance(part, types.CodeType) else repr(part) for part in code.co_consts]
    return f"{code.co_code.hex()} {constants} {code.co_names}"


def _is_installed(module: str) -> bool:
    file = getattr(sys.modules.get(module), "__file__", None)
    if module.partition(".")[0] == __name__.partition(".")[0]:
        return False  # ours: what a shipped measure does may change without a version
    return module == "builtins" or (module != "__main__" and (file is None or file.startswith(_INSTALLED)))


def _version(module: str) -> str:
    return str(getattr(sys.modules.get(module.partition(".")[0]), "__version__", ""))


def _pickled(found: Any) -> str:
    try:
        return hashlib.sha256(pickle.dumps(found)).hexdigest()
    except Exception:  # what cannot be pickled stands for its kind
        return f"{type(found).__module__}.{type(found).__qualname__}"
