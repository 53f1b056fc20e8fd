"""`layerjit demo`: the main job on real data, written as a user would write it.

A small network of custom layers learns handwritten digits, first eagerly, then as one native function per step.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import eager as tf

BATCH = 32
COMPARED_STEPS = 135
EPOCHS = 30
TOLERANCE = 1e-4
SEED = 7


class SimpleDense(tf.keras.layers.Layer):
    """y = activation(x W + b), with weights made in `build`."""

    def __init__(self, units: int = 32, activation: Callable[[Any], Any] | None = None) -> None:
        """Takes the number of outputs and a function applied to them."""
        super().__init__()
        self.units = units
        self.activation = activation

    def build(self, input_shape: Any) -> None:
        """Makes W and b for inputs of the given shape."""
        self.w = self.add_weight(
            name="w", shape=(input_shape[-1], self.units), initializer="glorot_uniform", trainable=True
        )
        self.b = self.add_weight(name="b", shape=(self.units,), initializer="zeros", trainable=True)

    def call(self, inputs: Any) -> Any:
        """The forward computation."""
        y = tf.matmul(inputs, self.w) + self.b
        return y if self.activation is None else self.activation(y)


class DigitsNet(tf.keras.Model):
    """64 pixels -> 64 -> 32 -> 10 logits."""

    def __init__(self) -> None:
        """Makes the three layers."""
        super().__init__()
        self.hidden1 = SimpleDense(64, tf.nn.relu)
        self.hidden2 = SimpleDense(32, tf.nn.relu)
        self.logits = SimpleDense(10)

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Logits of a batch of images, flattened to 64 pixels each."""
        return self.logits(self.hidden2(self.hidden1(inputs)))


class TreeNet(tf.keras.layers.Layer):
    """A recursive network over a binary tree: Python recursion decides what is computed, so it is dynamic."""

    def __init__(self, units: int) -> None:
        """Makes the layer that joins two nodes."""
        super().__init__(dynamic=True)
        self.join = SimpleDense(units, tf.nn.tanh)

    def call(self, tree: Any) -> Any:
        """The state of a tree: a leaf is a tensor, an inner node a pair of trees."""
        if not isinstance(tree, tuple):
            return tree
        left, right = (self.call(child) for child in tree)
        return self.join(tf.concat([left, right], axis=-1))


class Trainer:
    """A model with its optimizer, and one training step as plain Python."""

    def __init__(self) -> None:
        """Makes both from the demo's seed, so that two trainers start equal."""
        tf.random.set_seed(SEED)
        self.model = DigitsNet()
        self.model.build((None, 64))
        self.optimizer = tf.keras.optimizers.Adam(2e-3)
        self.optimizer.build(self.model.trainable_variables)

    def step(self, images: Any, labels: Any) -> Any:
        """Forward, loss, backward and update on one batch; returns the loss."""
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, self.model(images))
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, self.model.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.model.trainable_variables, strict=True))
        return loss


class Digits(NamedTuple):
    """The data, scaled to [0, 1], as arrays."""

    train_images: Any
    train_labels: Any
    test_images: Any
    test_labels: Any


def load() -> Digits:
    """The digits as float32[n, 64] and int32[n]."""
    (x, y), (x_test, y_test) = tf.keras.datasets.digits.load_data()
    return Digits(*(a.reshape(len(a), -1).astype(np.float32) / 16 if a.ndim == 3 else a.astype(np.int32)
                    for a in (x, y, x_test, y_test)))  # fmt: skip


def batches(data: Digits, steps: int) -> list[tuple[Any, Any]]:
    """The same shuffled batches for every trainer."""
    rng = np.random.default_rng(SEED)
    order = np.concatenate([rng.permutation(len(data.train_labels)) for _ in range(steps * BATCH // 1000 + 2)])
    picks = order[: steps * BATCH].reshape(steps, BATCH)
    return [(tf.constant(data.train_images[p]), tf.constant(data.train_labels[p])) for p in picks]


def train(step: Callable[..., Any], data: Sequence[tuple[Any, Any]], title: str) -> tuple[list[float], list[float]]:
    """Runs the step over all batches with a progress bar; returns the losses and the seconds of each step."""
    bar = tf.keras.utils.Progbar(len(data), unit_name=title)
    losses: list[Any] = []
    times: list[float] = []
    for images, labels in data:
        start = time.perf_counter()
        losses.append(step(images, labels))
        times.append(time.perf_counter() - start)
        bar.add(1)
    return [float(loss) for loss in losses], times


def accuracy(model: Any, images: Any, labels: Any) -> float:
    """The share of images whose largest logit is the label's."""
    return float(np.mean(np.argmax(model(tf.constant(images)).numpy(), axis=1) == labels))


def compare(data: Digits) -> tuple[Trainer, Any]:
    """Trains two equal models, one eagerly and one traced, and shows that they agree. Returns the traced one."""
    feed = batches(data, COMPARED_STEPS)
    eager, traced = Trainer(), Trainer()
    _say(f"Training {COMPARED_STEPS} steps of batch {BATCH}, eagerly:")
    eager_losses, eager_times = train(eager.step, feed, "step")
    step = tf.function(traced.step)
    _say("The same steps, traced:")
    traced_losses, traced_times = train(step, feed, "step")
    _say(f"The first one traced, optimised, compiled and ran in {traced_times[0]:.3f} s.")
    gap = float(np.max(np.abs(np.subtract(eager_losses, traced_losses)) / np.abs(eager_losses)))
    _say(f"Loss, first and last step: eager {eager_losses[0]:.6f} -> {eager_losses[-1]:.6f}, "
         f"traced {traced_losses[0]:.6f} -> {traced_losses[-1]:.6f}")  # fmt: skip
    _say(f"Largest relative difference of the two curves: {gap:.1e}. Tolerance {TOLERANCE:.0e}: both sum the same\n"
         "float32 products in another order (BLAS blocks there, one chain of fused multiply-adds here), and every\n"
         "Adam step amplifies the last bits of the step before.")  # fmt: skip
    if gap > TOLERANCE:
        raise SystemExit(f"the loss curves differ by {gap:.1e}")
    eager_seconds, traced_seconds = float(np.median(eager_times)), float(np.median(traced_times))
    _say(f"Per step, median: eager {eager_seconds * 1e6:.0f} us, traced {traced_seconds * 1e6:.0f} us, "
         f"{eager_seconds / traced_seconds:.1f} times as fast.")  # fmt: skip
    return traced, step


def finish(trainer: Trainer, step: Any, data: Digits, epochs: int) -> None:
    """Trains on, and shows the accuracy on images that were never trained on."""
    steps = epochs * len(data.train_labels) // BATCH
    _say(f"\nTraining {epochs} epochs more, traced:")
    train(step, batches(data, steps), "step")
    reached = accuracy(trainer.model, data.test_images, data.test_labels)
    _say(f"Accuracy on {len(data.test_labels)} test images: {reached:.1%}")
    if reached < 0.95:
        raise SystemExit("the demo's accuracy is below 95 %")


def roll_back(trainer: Trainer, data: Digits) -> None:
    """Shows that a step that fails after an assignment leaves every variable as it was."""
    images, labels = batches(data, 1)[0]

    @tf.function
    def failing_step(x: Any, y: Any, limit: Any) -> Any:
        trainer.model.hidden1.w.assign(tf.zeros_like(trainer.model.hidden1.w))
        loss = trainer.step(x, y)
        tf.debugging.assert_less(loss, limit, message="the loss is too high")
        return loss

    before = [v.numpy() for v in trainer.model.variables]
    try:
        failing_step(images, labels, tf.constant(-1.0))
    except tf.errors.InvalidArgumentError as error:
        _say(f"\nA step that zeroes a weight, trains and then fails: {error}")
    same = all(np.array_equal(a, v.numpy()) for a, v in zip(before, trainer.model.variables, strict=True))
    _say(f"Every variable is as it was: {same}")
    if not same:
        raise SystemExit("a failed step changed a variable")


def grow_tree() -> None:
    """Runs the dynamic layer on a tree of 16 leaves, with a gradient."""
    rng = np.random.default_rng(SEED)
    nodes: list[Any] = [tf.constant(rng.standard_normal((1, 8)).astype(np.float32)) for _ in range(16)]
    while len(nodes) > 1:
        nodes = [(nodes[i], nodes[i + 1]) for i in range(0, len(nodes), 2)]
    layer = TreeNet(8)
    with tf.GradientTape() as tape:
        state = layer(nodes[0])
        loss = tf.reduce_sum(tf.square(state))
    gradient = tape.gradient(loss, layer.join.w)
    _say(f"\nA recursive TreeNet (dynamic={layer.dynamic}) over 16 leaves, eagerly: "
         f"state {np.round(state.numpy()[0, :4], 3)}..., gradient norm {float(tf.norm(gradient)):.4f}")  # fmt: skip


def inspect(step: Any, path: Path) -> None:
    """Writes the dump of the traced step and prints its summary."""
    step.dump(path)
    _say(f"\nDump of the traced step: {path} ({path.stat().st_size / 1024:.0f} KiB; see `layerjit show {path}`)\n")
    _say(step.explain())


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the demo; `--epochs N` trains for another time, `--dump FILE` names the dump.

    Raises:
        SystemExit: if a claim that the demo makes does not hold.
    """
    import argparse

    parser = argparse.ArgumentParser(prog="layerjit demo", description="Train on handwritten digits, eager and traced.")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="epochs after the comparison")
    parser.add_argument("--dump", type=Path, default=Path("layerjit-demo.gcdump"), help="where the dump goes")
    options = parser.parse_args(argv)
    data = load()
    _say(f"layerjit {tf.__version__}: UCI handwritten digits, {len(data.train_labels)} images of 8x8 to train, "
         f"{len(data.test_labels)} to test (CC BY 4.0, E. Alpaydin and C. Kaynak)")  # fmt: skip
    trainer, step = compare(data)
    finish(trainer, step, data, options.epochs)
    roll_back(trainer, data)
    grow_tree()
    inspect(step, options.dump)
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stdout, flush=True)
