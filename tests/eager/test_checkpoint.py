"""tf.train: what a checkpoint keeps, when it comes back, and what it refuses."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

import eager as tf

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(12, 4)).astype("float32"), RNG.normal(size=(12, 2)).astype("float32")


def compiled() -> tf.keras.Model:
    model = tf.keras.Sequential([tf.keras.layers.Dense(3, activation="tanh"), tf.keras.layers.Dense(2)])
    model.compile(tf.keras.optimizers.Adam(0.05), "mse")
    return model


def fit(model, epochs=1):
    model.fit(X, Y, batch_size=4, epochs=epochs, verbose=0, shuffle=False)


class Pair(tf.Module):
    def __init__(self):
        super().__init__()
        self.first = tf.Variable([1.0, 2.0])
        self.rest = [tf.Variable(3), {"deep": tf.Variable(True)}]


def test_variables_come_back_by_the_names_that_lead_to_them(tmp_path):
    saved, restored = Pair(), Pair()
    saved.first.assign([5.0, 6.0])
    saved.rest[0].assign(7)
    saved.rest[1]["deep"].assign(False)
    path = tf.train.Checkpoint(pair=saved, step=tf.Variable(9)).write(tmp_path / "all")
    assert dict(tf.train.list_variables(path)) == {
        "pair/first": [2], "pair/rest/0": [], "pair/rest/1/deep": [], "step": [],
    }  # fmt: skip
    step = tf.Variable(0)
    tf.train.Checkpoint(pair=restored, step=step).read(path).assert_consumed()
    assert restored.first.numpy().tolist() == [5.0, 6.0]
    assert int(restored.rest[0]) == 7 and not bool(restored.rest[1]["deep"]) and int(step) == 9
    reader = tf.train.load_checkpoint(path)
    assert reader.get_tensor("pair/first").tolist() == [5.0, 6.0] and reader.has_tensor("step")
    assert reader.get_variable_to_dtype_map()["pair/first"] == tf.float32
    assert tf.train.load_variable(path, "step") == 9


def test_shared_objects_are_saved_once(tmp_path):
    shared = tf.Variable(2.0)
    path = tf.train.Checkpoint(a=[shared], b={"k": shared}).write(tmp_path / "c")
    assert tf.train.list_variables(path) == [("a/0", [])]
    other = tf.Variable(0.0)
    tf.train.Checkpoint(b={"k": other}).read(path).assert_consumed()
    assert float(other) == 2.0


def test_training_goes_on_bit_for_bit(tmp_path):
    whole = compiled()
    fit(whole, 2)
    path = tf.train.Checkpoint(model=whole, optimizer=whole.optimizer).save(tmp_path / "ckpt")
    assert path == str(tmp_path / "ckpt-1") == tf.train.latest_checkpoint(tmp_path)
    fit(whole, 2)

    other = compiled()
    status = tf.train.Checkpoint(model=other, optimizer=other.optimizer).restore(path)
    with pytest.raises(AssertionError, match="not restored"):
        status.assert_consumed()
    fit(other, 2)  # variables and slots are made here, inside the compiled step, and restored as they are made
    status.assert_consumed()
    for a, b in zip(whole.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(whole.optimizer.variables, other.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


class Late(tf.keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.w = None
        self.inner = None

    def call(self, x):
        if self.inner is None:
            self.w = self.add_weight("other_name", (), initializer="zeros")
            self.inner = tf.keras.layers.Dense(2)
        return self.inner(x) * self.w


@pytest.mark.parametrize("traced", [False, True])
def test_variables_made_in_the_first_call_are_restored_before_they_are_used(tmp_path, traced):
    saved = Late()
    saved(X)
    saved.w.assign(2.5)
    path = tf.train.Checkpoint(layer=saved).write(tmp_path / "late")
    wanted = saved(X).numpy()
    fresh = Late()
    status = tf.train.Checkpoint(layer=fresh).read(path)
    function = tf.function(fresh) if traced else fresh
    got = function(tf.constant(X)).numpy()
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)
    status.assert_consumed()


def test_objects_added_later_are_restored(tmp_path):
    path = tf.train.Checkpoint(module=Pair(), step=tf.Variable(4)).write(tmp_path / "x")
    checkpoint = tf.train.Checkpoint()
    status = checkpoint.read(path)
    step, module = tf.Variable(0), Pair()
    module.first.assign([0.0, 0.0])
    checkpoint.step = step
    assert int(step) == 4
    checkpoint.module = module
    assert module.first.numpy().tolist() == [1.0, 2.0]
    status.assert_consumed()


def test_attributes_of_a_module_set_later_are_restored(tmp_path):
    class Growing(tf.Module):
        pass

    saved, fresh = Growing(), Growing()
    saved.v = tf.Variable(8.0)
    path = tf.train.Checkpoint(saved).write(tmp_path / "x")
    status = tf.train.Checkpoint(fresh)
    held = status.read(path)
    fresh.v = tf.Variable(0.0)
    assert float(fresh.v) == 8.0
    held.assert_consumed()


def test_status_says_what_is_missing_on_either_side(tmp_path):
    a, b = tf.Variable(1.0), tf.Variable(2.0)
    path = tf.train.Checkpoint(a=a, b=b).write(tmp_path / "x")
    part = tf.train.Checkpoint(a=tf.Variable(0.0)).read(path)
    part.assert_existing_objects_matched().assert_nontrivial_match().expect_partial()
    with pytest.raises(AssertionError, match="'b'"):
        part.assert_consumed()
    more = tf.train.Checkpoint(a=tf.Variable(0.0), c=tf.Variable(0.0)).read(path)
    with pytest.raises(AssertionError, match="'c'"):
        more.assert_existing_objects_matched()
    none = tf.train.Checkpoint(z=tf.Variable(0.0)).read(path)
    with pytest.raises(AssertionError, match="root"):
        none.assert_nontrivial_match()
    with pytest.raises(AssertionError, match="No checkpoint"):
        tf.train.Checkpoint(a=a).restore(None).assert_consumed()


def test_what_does_not_fit_changes_nothing(tmp_path):
    path = tf.train.Checkpoint(a=tf.Variable(1.0), b=tf.Variable([2.0, 3.0])).write(tmp_path / "x")
    a, b = tf.Variable(7.0), tf.Variable([0.0, 0.0, 0.0])
    with pytest.raises(ValueError, match=r"incompatible tensor with shape \(2,\).*\(3,\)"):
        tf.train.Checkpoint(a=a, b=b).read(path)
    assert float(a) == 7.0
    with pytest.raises(tf.errors.NotFoundError, match="no checkpoint"):
        tf.train.Checkpoint(a=a).read(tmp_path / "absent")
    with pytest.raises(ValueError, match="expecting a to be a trackable object"):
        tf.train.Checkpoint(a=3)
    (tmp_path / "theirs.index").write_bytes(b"")
    with pytest.raises(tf.errors.UnimplementedError, match=r"\.keras"):
        tf.train.Checkpoint(a=a).read(tmp_path / "theirs")


def test_save_counts_and_a_failed_save_does_not(tmp_path):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    assert checkpoint.save(tmp_path / "ck") == str(tmp_path / "ck-1")
    assert int(checkpoint.save_counter) == 1
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(OSError, match="file"):
        checkpoint.save(blocked / "ck")
    assert int(checkpoint.save_counter) == 1
    again = tf.train.Checkpoint(v=tf.Variable(0.0))
    again.restore(tf.train.latest_checkpoint(tmp_path)).assert_consumed()
    assert again.save(tmp_path / "ck") == str(tmp_path / "ck-2")
    state = tf.train.get_checkpoint_state(tmp_path)
    assert [Path(p).name for p in state.all_model_checkpoint_paths] == ["ck-1", "ck-2"]
    assert (tmp_path / "checkpoint").read_text().startswith('model_checkpoint_path: "ck-2"\n')


def test_manager_keeps_the_last_ones_and_goes_on_after_a_restart(tmp_path):
    step = tf.Variable(0, dtype="int64")
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(step=step), tmp_path, max_to_keep=2)
    called = []
    assert manager.latest_checkpoint is None and manager.restore_or_initialize() is None
    for _ in range(4):
        step.assign_add(10)
        manager.save()
    names = [str(tmp_path / f"ckpt-{i}") for i in (3, 4)]
    assert manager.checkpoints == names and manager.latest_checkpoint == names[-1]
    assert sorted(p.name for p in tmp_path.glob("*.npz")) == ["ckpt-3.npz", "ckpt-4.npz"]

    found = tf.Variable(0, dtype="int64")
    again = tf.train.CheckpointManager(
        tf.train.Checkpoint(step=found), tmp_path, 2, init_fn=lambda: called.append(1), checkpoint_name="ckpt"
    )
    assert again.restore_or_initialize() == names[-1] and int(found) == 40 and not called
    assert again.save() == str(tmp_path / "ckpt-5") and again.checkpoints == [names[1], str(tmp_path / "ckpt-5")]
    checkpoint = tf.train.Checkpoint(v=found)
    empty = tf.train.CheckpointManager(checkpoint, tmp_path / "new", 1, init_fn=lambda: called.append(1))
    assert empty.restore_or_initialize() is None and called == [1]


def test_manager_interval_and_arguments(tmp_path):
    step = tf.Variable(0)
    manager = tf.train.CheckpointManager(
        tf.train.Checkpoint(step=step), tmp_path, None, step_counter=step, checkpoint_interval=5
    )
    saved = []
    for _ in range(12):
        step.assign_add(1)
        saved.append(manager.save())
    assert [i for i, s in enumerate(saved) if s is not None] == [0, 5, 10]
    assert manager.save(checkpoint_number=77, check_interval=False) == str(tmp_path / "ckpt-77")
    with pytest.raises(ValueError, match="max_to_keep"):
        tf.train.CheckpointManager(tf.train.Checkpoint(step=step), tmp_path, 0)
    with pytest.raises(ValueError, match="step_counter"):
        tf.train.CheckpointManager(tf.train.Checkpoint(step=step), tmp_path, 1, checkpoint_interval=1)
    assert next(tf.train.checkpoints_iterator(tmp_path)) == str(tmp_path / "ckpt-77")
    assert list(tf.train.checkpoints_iterator(tmp_path / "none", timeout=0)) == []


def test_generators_containers_and_half_precision(tmp_path):
    generator = tf.random.Generator.from_seed(5)
    half = tf.Variable([1.5, -2.0], dtype="bfloat16")
    odd = {"a/b": half, "..": tf.Variable(1), "": tf.Variable(2)}
    path = tf.train.Checkpoint(g=generator, odd=odd).write(tmp_path / "g")
    wanted = generator.normal((3,)).numpy()
    other = {"a/b": tf.Variable([0.0, 0.0], dtype="bfloat16"), "..": tf.Variable(0), "": tf.Variable(0)}
    fresh = tf.random.Generator.from_seed(1)
    tf.train.Checkpoint(g=fresh, odd=other).read(path).assert_consumed()
    np.testing.assert_array_equal(fresh.normal((3,)).numpy(), wanted)
    assert tf.cast(other["a/b"], "float32").numpy().tolist() == [1.5, -2.0]
    assert int(other[".."]) == 1 and int(other[""]) == 2


def test_weights_of_a_model_as_a_checkpoint(tmp_path):
    model = compiled()
    fit(model)
    model.save_weights(tmp_path / "weights")
    other = compiled()
    status = other.load_weights(tmp_path / "weights")
    other(X)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    status.expect_partial()
    with pytest.raises(FileExistsError, match="overwrite"):
        model.save_weights(tmp_path / "weights", overwrite=False)


@pytest.mark.parametrize(
    "graph",
    [
        {"format": "x", "version": 1, "nodes": []},
        {"format": "layerjit checkpoint", "version": 1, "nodes": [{"children": {"a": 5}}]},
        {"format": "layerjit checkpoint", "version": 1, "nodes": [{"children": {}, "array": "absent"}]},
        {"format": "layerjit checkpoint", "version": 2, "nodes": [{"children": {}}]},
        {"format": "layerjit checkpoint", "version": 1, "nodes": []},
        [],
    ],
)
def test_files_of_another_form_are_refused(tmp_path, graph):
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as file:
        file.writestr("object_graph.json", json.dumps(graph))
    with pytest.raises(ValueError, match="Refused"):
        tf.train.Checkpoint(v=tf.Variable(0.0)).read(tmp_path / "x")
