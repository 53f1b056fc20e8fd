"""What an object needs from the process: nothing but the C library's fmod, for any op on any instruction set."""

import numpy as np
import pytest
from vector_kernels import host_isas

from codegen.compile import compile_graph
from codegen.engine import undefined_symbols
from graphcore.builder import GraphBuilder
from graphcore.dtypes import as_dtype
from graphcore.optable import OPS
from graphcore.passes import run
from graphcore.types import TensorType

ALLOWED = {"fmod", "fmodf"}
NATIVE_OPS = sorted(n for n, op in OPS.items() if op.native and op.kind not in ("control", "host") and op.samples)


def object_of(name: str, isa: str) -> bytes | None:
    """One object with the op on the first sample of every dtype; None if no sample runs natively."""
    builder, outputs, seen = GraphBuilder(name, fold_bytes=0), [], set()
    samples = OPS[name].samples
    assert samples is not None
    for arrays, attrs in samples():
        types = [TensorType(as_dtype(np.asarray(a).dtype), np.shape(a)) for a in arrays]
        key = tuple(t.dtype.name for t in types)
        if key in seen or any(not t.dtype.is_native for t in types):
            continue
        seen.add(key)
        outputs += builder.emit(name, [builder.input(t) for t in types], **attrs)
    outputs = [v for v in outputs if v.type.dtype.is_native]
    return compile_graph(run(builder.finish(outputs)), isa=isa).object_bytes if outputs else None


@pytest.mark.parametrize("isa", host_isas())
@pytest.mark.parametrize("name", NATIVE_OPS)
def test_undefined_symbols_are_on_the_list(name: str, isa: str) -> None:
    code = object_of(name, isa)
    assert code is None or (undefined_symbols(code) or frozenset()) <= ALLOWED
