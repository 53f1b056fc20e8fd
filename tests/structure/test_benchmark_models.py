"""The models of the benchmarks: their NumPy gradients, and layerjit's side against them."""

from typing import Any

import numpy as np
import pytest

from benchmarks import costs, harness, models
from benchmarks import numpy_tape as tape
from benchmarks.catalogue import find
from benchmarks.model_workloads import INFERENCE, TRAINING
from benchmarks.models import Model, Part
from benchmarks.numpy_tape import Var
from benchmarks.peers import layerjit_, models_tensorflow, models_torch, numpy_
from benchmarks.workloads import Workload

SMALL = [
    *("cnn batch 1", "conv 15x15x200", "lstm 96 over 20x50x40", "transformer 1 block 5x100"),
    *("attention 2x4x700x64", "tree_eager 32 leaves"),
]
SMALL_TRAINING = ["cnn_train batch 1", "lstm_train 96 over 20x50x40", "transformer_train 1 block 5x100"]
NETS: list[tuple[Model, list[Part], tuple[int, ...]]] = [
    (models.cnn, models.cnn_parts(), (2, 8, 8, 3)),
    (models.lstm, models.lstm_parts(5, 6), (3, 4, 5)),
    (models.transformer, models.block_parts(8, 16) * 2, (2, 3, 8)),
]


@pytest.mark.parametrize(("model", "parts", "shape"), NETS, ids=lambda it: getattr(it, "__name__", ""))
def test_gradients_are_those_of_finite_differences(model: Model, parts: list[Part], shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    x = Var(rng.standard_normal(shape))
    weights = [Var(value.astype(np.float64)) for value in models.weights(parts, rng).values()]

    def loss(weights: list[Var]) -> Var:
        output = model(x, weights)
        if output.value.ndim == 2:
            return tape.cross_entropy(output, np.arange(shape[0]))
        return tape.square_error(output, np.ones_like(output.value))

    for number, gradient in enumerate(tape.gradients(loss(weights), weights)):
        direction = rng.standard_normal(gradient.shape)
        moved = [
            [Var(it.value + sign * 1e-6 * direction) if i == number else it for i, it in enumerate(weights)]
            for sign in (1, -1)
        ]
        numeric = (loss(moved[0]).value - loss(moved[1]).value) / 2e-6
        assert np.sum(gradient * direction) == pytest.approx(numeric, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("module", [numpy_, layerjit_], ids=["numpy", "layerjit"])
@pytest.mark.parametrize("name", SMALL)
def test_models_reach_the_float64_result(name: str, module: Any) -> None:
    reaches(find(name), module)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL_TRAINING)
def test_training_reaches_the_float64_losses(name: str) -> None:
    work = find(name)
    expected = reaches(work, layerjit_)
    frozen = harness.Side(lambda: expected[0], np.asarray)
    assert harness.worst_error(frozen, expected) > work.tolerance


def reaches(work: Workload, module: Any) -> list[Any]:
    data = work.data()
    expected = work.expected(data)
    (side,) = module.build(work, data, False).values()
    assert harness.worst_error(side, expected) <= work.tolerance
    return expected


def test_every_side_has_every_model() -> None:
    families = {work.family for work in (*INFERENCE, *TRAINING)}
    for module in (models_tensorflow, models_torch):
        assert families <= module.FAMILIES


def test_floors_are_counted_from_the_formula() -> None:
    def flops(name: str) -> float:
        work = find(name)
        found = costs.cost(work.family, work.data(), [])
        assert found is not None
        return found.flops

    assert flops("conv 56x56x64") == 2 * 56 * 56 * 9 * 64 * 64
    assert flops("attention 1x8x1024x64") == 4 * 8 * 1024 * 1024 * 64
    assert flops("mlp batch 32") == 2 * 32 * (784 * 512 + 512 * 512 + 512 * 10)
    tokens, width, inner = 8 * 128, 256, 1024
    block = 2 * tokens * (4 * width * width + 2 * width * inner) + 4 * tokens * 128 * width
    assert flops("transformer 4 block 8x128") == 4 * block
    saved = 2 * tokens * 3 * width * width
    assert flops("transformer_train 4 block 8x128") == 3 * 4 * block - saved
    assert flops("mlp_train batch 32") == 3 * flops("mlp batch 32") - 2 * 32 * 784 * 512
