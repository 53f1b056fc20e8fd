"""Builders of LLVM text: a module with its declarations and constants, and functions as lists of lines.

Text is built rather than llvmlite.ir objects because it is several times faster and needs no import of LLVM.
Nothing here checks types; `llvmlite.binding` verifies the finished module before code is generated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

# Control code gains nothing from optimisation: measured, call entries run as fast without, contractions of 17 x 129 x
# 65 and more too, and they compile in half of the time.
UNOPTIMIZED = "noinline optnone"
"""Attributes of functions that only check, count and call."""


class ModuleText:
    """One LLVM module: functions, the intrinsics that they call, and private constants.

    Attributes:
        attributes: function attributes as LLVM text, shared by all functions of the module.
        functions: the functions in order of creation.
    """

    def __init__(self, attributes: Mapping[str, str] | None = None, *, prefer_vector_width: int = 0) -> None:
        """Starts an empty module.

        Args:
            attributes: string attributes of every function, such as {"target-cpu": ..., "target-features":
                ...}.
            prefer_vector_width: bits; 512 keeps LLVM from halving AVX-512 vectors on CPUs tuned for 256 bits.
        """
        strings = dict(attributes or {})
        if prefer_vector_width:
            strings["prefer-vector-width"] = str(prefer_vector_width)
        self.attributes = " ".join(["nounwind", *(f'"{key}"="{text}"' for key, text in strings.items())])
        self.functions: list[FunctionText] = []
        self._declares: dict[str, str] = {}
        self._constants: dict[tuple[str, str, int], str] = {}
        self._helpers: dict[str, str] = {}
        self._globals: list[str] = []

    def declare(self, result: str, name: str, parameters: Sequence[str]) -> str:
        """Declares an external function or intrinsic once; returns its name with the at sign."""
        self._declares[name] = f"declare {result} @{name}({', '.join(parameters)})"
        return f"@{name}"

    def constant(self, type_text: str, value_text: str, align: int = 64) -> str:
        """A private read-only global of that type and initialiser, shared by equal ones; returns its name."""
        key = (type_text, value_text, align)
        name = self._constants.get(key)
        if name is None:
            name = self._constants[key] = f"@.k{len(self._constants)}"
            self._globals.append(
                f"{name} = private unnamed_addr constant {type_text} {value_text}, align {align}"
            )
        return name

    def global_line(self, text: str) -> None:
        """Adds a global definition written out by the caller."""
        self._globals.append(text)

    def function(
        self,
        name: str,
        parameters: Sequence[str],
        result: str = "void",
        linkage: str = "",
        attributes: str = "",
    ) -> FunctionText:
        """Starts a function whose parameters are written as in LLVM ("ptr noalias %x").

        `attributes` are further ones of this function alone, such as "noinline optnone".
        """
        made = FunctionText(self, name, parameters, result, linkage, attributes)
        self.functions.append(made)
        return made

    def helper(
        self,
        name: str,
        parameters: Sequence[str],
        result: str,
        build: Callable[[FunctionText], None],
        attributes: str = "",
    ) -> str:
        """An internal function of that name, built on first use; returns its name with the at sign.

        Helpers hold what needs a loop or is seldom run, so that kernels stay straight-line and small.
        """
        if name not in self._helpers:
            self._helpers[name] = f"@{name}"
            build(self.function(name, parameters, result, "internal", attributes))
        return self._helpers[name]

    def render(self) -> str:
        """The module as text that llvmlite.binding.parse_assembly accepts."""
        parts = [*self._globals, *(f.render() for f in self.functions), *self._declares.values()]
        return "\n".join([*parts, f"attributes #0 = {{ {self.attributes} }}", ""])


class _Phi:
    """A phi whose arms may still grow."""

    __slots__ = ("arms", "name", "type_text")

    def __init__(self, name: str, type_text: str, arms: list[tuple[str, str]]) -> None:
        self.name = name
        self.type_text = type_text
        self.arms = arms

    def __str__(self) -> str:
        arms = ", ".join(f"[ {value}, %{label} ]" for value, label in self.arms)
        return f"  {self.name} = phi {self.type_text} {arms}"


class FunctionText:
    """One function under construction: lines of instructions in blocks, with fresh SSA names.

    Attributes:
        module: the module that the function belongs to.
        name: the function's name, without the at sign.
        block: the label of the block that lines are added to (what a phi names).
        memo: names of repeated instructions that may be used again within the block; cleared by `place`.
    """

    def __init__(
        self,
        module: ModuleText,
        name: str,
        parameters: Sequence[str],
        result: str,
        linkage: str,
        attributes: str = "",
    ) -> None:
        """Starts the function with its block "entry"; made by ModuleText.function."""
        self.module = module
        self.name = name
        self.block = "entry"
        prefix = f"define {linkage} " if linkage else "define "
        self._head = (
            f"{prefix}{result} @{name}({', '.join(parameters)}) #0{f' {attributes}' if attributes else ''} {{"
        )
        self._allocas: list[str] = []
        self._lines: list[str | _Phi] = []
        self._count = 0
        self.memo: dict[object, str] = {}

    def fresh(self, hint: str = "v") -> str:
        """A new SSA name with its percent sign."""
        self._count += 1
        return f"%{hint}.{self._count}"

    def line(self, text: str) -> None:
        """Adds one instruction that has no result."""
        self._lines.append("  " + text)

    def emit(self, text: str, hint: str = "v") -> str:
        """Adds one instruction; returns the fresh name of its result."""
        name = self.fresh(hint)
        self._lines.append(f"  {name} = {text}")
        return name

    def comment(self, text: str) -> None:
        """Adds a comment line (for the reader of a dumped kernel)."""
        self._lines.append(f"  ; {text}")

    def alloca(self, type_text: str, align: int = 64) -> str:
        """Reserves stack memory in the entry block, wherever it is asked for; returns the pointer."""
        name = self.fresh("stack")
        self._allocas.append(f"  {name} = alloca {type_text}, align {align}")
        return name

    def call(
        self, result: str, name: str, arguments: Sequence[tuple[str, str]], *, external: bool = True
    ) -> str:
        """Calls a function with (type, value) arguments, declaring it when external.

        Returns:
            The name of the result, or "" when `result` is "void".
        """
        target = self.module.declare(result, name, [t for t, _ in arguments]) if external else f"@{name}"
        text = f"call {result} {target}({', '.join(f'{t} {v}' for t, v in arguments)})"
        if result == "void":
            self.line(text)
            return ""
        return self.emit(text)

    def new_label(self, hint: str = "block") -> str:
        """A fresh block label, to be placed later."""
        self._count += 1
        return f"{hint}.{self._count}"

    def place(self, label: str) -> None:
        """Starts the block of that label; the block before must already end in a branch or return."""
        self._lines.append(f"{label}:")
        self.block = label
        self.memo.clear()

    def branch(self, label: str) -> None:
        """Ends the block with a jump."""
        self.line(f"br label %{label}")

    def branch_if(self, condition: str, yes: str, no: str) -> None:
        """Ends the block with a two-way jump on an i1."""
        self.line(f"br i1 {condition}, label %{yes}, label %{no}")

    def phi(self, type_text: str, arms: list[tuple[str, str]], hint: str = "phi") -> str:
        """A phi of (value, label) arms; must come first in its block.

        The list is kept and read when the function is rendered: append the arm of a loop's back edge to it
        later.
        """
        name = self.fresh(hint)
        self._lines.append(_Phi(name, type_text, arms))
        return name

    def ret(self, text: str = "void") -> None:
        """Ends the block with a return of "void" or "type value"."""
        self.line(f"ret {text}")

    def render(self) -> str:
        """The function as text."""
        return "\n".join([self._head, "entry:", *self._allocas, *map(str, self._lines), "}"])
