"""What our code uses of freqtrade, read from its syntax trees and the types that mypy gives them.

A search for names would not do: ``pair``, ``state`` and ``close`` stand on our own objects, too, so
each of them would have to be excused, and the excuse would hide the day on which it is freqtrade's.
mypy knows what each expression is: ``order.pair`` counts where the order is freqtrade's, whatever
the variable is called. Where mypy knows nothing (``Any``), a name counts that freqtrade may have.
"""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from mypy.build import BuildResult, build
from mypy.main import process_options
from mypy.nodes import (
    CallExpr,
    Context,
    Decorator,
    Expression,
    FuncDef,
    ImportFrom,
    MemberExpr,
    MypyFile,
    RefExpr,
    StrExpr,
    SuperExpr,
    TypeInfo,
    Var,
)
from mypy.server.subexpr import get_subexpressions
from mypy.types import (
    AnyType,
    CallableType,
    FunctionLike,
    Instance,
    Type,
    TypeType,
    TypeVarType,
    UnionType,
    get_proper_type,
)

ROOT: Final = Path(__file__).parents[3]
OURS: Final = "freqtrade_liquidation"
APART: Final = (f"{OURS}.analysis", f"{OURS}.drill", f"{OURS}.frontends.analysis")
"""No bot is on their way: a name that is missing there fails a backtest or a drill, and says so."""
ANYTHING: Final = "?"


class Use(NamedTuple):
    """One place that uses one name of freqtrade's.

    :param owner: full name of the class or module; ``ANYTHING`` = mypy does not know.
    :param parameters: those that a call fills in, or that a method of ours has in its place.
    """

    owner: str
    name: str
    where: str
    parameters: tuple[str, ...] = ()


def uses(cache: Path) -> list[Use]:
    """All of them.

    :param cache: an empty folder for mypy.
    """
    known = ROOT / ".mypy_cache"
    if known.is_dir():
        shutil.copytree(known, cache, dirs_exist_ok=True)
    sources, options = process_options(
        ["--config-file", str(ROOT / "setup.cfg"), "--cache-dir", str(cache), str(ROOT / OURS)]
    )
    options.export_types = options.preserve_asts = True
    # An option that differs from the cache's: our own files are read anew, and nothing else is.
    options.per_module_options[f"{OURS}.*"]["warn_unreachable"] = False
    result = build(sources, options)
    assert result.errors == []
    return [use for tree in _trees(result) for use in _in(tree, result)]


def _trees(result: BuildResult) -> Iterator[MypyFile]:
    for name, state in sorted(result.graph.items()):
        if name.split(".")[0] == OURS and not name.startswith(APART):
            assert state.tree is not None, f"mypy has not read {name}"
            yield state.tree


def _in(tree: MypyFile, result: BuildResult) -> Iterator[Use]:
    def at(owner: str, name: str, node: Context, parameters: Iterable[str] = ()) -> Use:
        return Use(owner, name, f"{tree.path}:{node.line}", tuple(parameters))

    for statement in tree.imports:
        if isinstance(statement, ImportFrom) and _is_freqtrades(statement.id):
            yield from (at(statement.id, name, statement) for name, _ in statement.names)
    for _, symbol, _ in tree.local_definitions():
        if isinstance(symbol.node, TypeInfo):
            for owner, node in _overrides(symbol.node):
                yield at(owner, node.name, node, _parameters_of(node))
    passed: dict[Expression, tuple[str, ...]] = {}
    expressions = get_subexpressions(tree)
    for call in expressions:
        if isinstance(call, CallExpr):
            passed[call.callee] = tuple(_passed(call, result))
            if isinstance(call.callee, RefExpr) and isinstance(call.callee.node, TypeInfo):
                for owner, name in _owners(call.callee.node.mro[:1], "__init__"):
                    yield at(owner, name, call, passed[call.callee])
    for expression in expressions:
        for owner, name in _named(expression, result):
            if not name.startswith("__"):  # Python's own
                yield at(owner, name, expression, passed.get(expression, ()))


def _named(expression: Expression, result: BuildResult) -> Iterator[tuple[str, str]]:
    """Owner and name of what *expression* reaches."""
    if isinstance(expression, SuperExpr) and expression.info is not None:
        yield from _owners(expression.info.mro[1:], expression.name)
        if expression.info.fallback_to_any:
            yield ANYTHING, expression.name
    elif isinstance(expression, MemberExpr):
        yield from _members(expression.expr, expression.name, result)
    elif isinstance(expression, CallExpr) and isinstance(expression.callee, RefExpr):
        callee = expression.callee
        if callee.fullname in ("builtins.getattr", "builtins.hasattr"):
            name = expression.args[1]
            if isinstance(name, StrExpr):
                yield from _members(expression.args[0], name.value, result)


def _members(of: Expression, name: str, result: BuildResult) -> Iterator[tuple[str, str]]:
    if isinstance(of, RefExpr) and isinstance(of.node, MypyFile):
        if _is_freqtrades(of.node.fullname):
            yield of.node.fullname, name
        return
    for info in _classes(result.types.get(of)):
        if info is None or (info.fallback_to_any and info.get(name) is None):
            yield ANYTHING, name
        elif info.get(name) is None and _is_freqtrades(info.fullname):  # getattr, with a default
            yield info.fullname, name
        else:
            yield from _owners(info.mro, name)


def _owners(mro: list[TypeInfo], name: str) -> Iterator[tuple[str, str]]:
    """The first class of freqtrade's in *mro*, if the name comes from freqtrade."""
    defining = next((info for info in mro if name in info.names), None)
    if defining is not None and _is_freqtrades(defining.fullname):
        yield next(info.fullname for info in mro if _is_freqtrades(info.fullname)), name


def _classes(kind: Type | None) -> Iterator[TypeInfo | None]:
    """The classes that an object of *kind* may have; ``None`` = any."""
    kind = get_proper_type(kind)
    if kind is None or isinstance(kind, AnyType):
        yield None
    elif isinstance(kind, Instance):
        yield kind.type
    elif isinstance(kind, UnionType):
        for item in kind.items:
            yield from _classes(item)
    elif isinstance(kind, TypeVarType):
        yield from _classes(kind.upper_bound)
    elif isinstance(kind, TypeType):
        yield from _classes(kind.item)
    elif isinstance(kind, FunctionLike) and kind.is_type_obj():
        yield kind.type_object()


def _overrides(info: TypeInfo) -> Iterator[tuple[str, FuncDef | Var]]:
    """Methods and attributes of our class *info* in the place of freqtrade's."""
    for symbol in info.names.values():
        node = symbol.node.func if isinstance(symbol.node, Decorator) else symbol.node
        if isinstance(node, FuncDef | Var):
            yield from ((owner, node) for owner, _ in _owners(info.mro[1:], node.name))
            if info.fallback_to_any and not node.name.startswith("__"):
                yield ANYTHING, node


def _parameters_of(node: FuncDef | Var) -> Iterator[str]:
    if isinstance(node, FuncDef):
        yield from (a.variable.name for a in node.arguments[1:] if not a.kind.is_star())


def _passed(call: CallExpr, result: BuildResult) -> Iterator[str]:
    """The names of the parameters that *call* fills in; by position, too."""
    yield from (name for name in call.arg_names if name is not None)
    kind = get_proper_type(result.types.get(call.callee))
    if isinstance(kind, CallableType):
        places = zip(call.arg_kinds, kind.arg_names, kind.arg_kinds, strict=False)
        yield from (n for k, n, f in places if n and k.is_positional() and not f.is_star())


def _is_freqtrades(name: str) -> bool:
    return name.split(".")[0] == "freqtrade"
