"""Models as users train them, on real or made data: quality, and eager against compiled training."""

import numpy as np
import pytest
from stories import L, characters, compared, digits, sequences, train, trees

import eager as tf

pytestmark = pytest.mark.slow


def compiled(model, eagerly, loss="sparse_categorical_crossentropy", metrics=("accuracy",), rate=1e-3):
    model.compile(tf.keras.optimizers.Adam(rate), loss, metrics=list(metrics), run_eagerly=eagerly)
    return model


def cnn(eagerly):
    return compiled(tf.keras.Sequential([
        tf.keras.Input((8, 8, 1)), L.Conv2D(32, 3, padding="same", use_bias=False), L.BatchNormalization(), L.ReLU(),
        L.Conv2D(64, 3, padding="same", activation="relu"), L.MaxPooling2D(), L.Dropout(0.25),
        L.Conv2D(64, 3, padding="same", activation="relu"), L.GlobalAveragePooling2D(), L.Dense(10, "softmax"),
    ]), eagerly, rate=2e-3)  # fmt: skip


def test_a_cnn_reads_digits():
    (x, y), (x_test, y_test) = digits()
    compared(cnn, x[:512], y[:512], batch_size=64)
    model, _, _ = train(cnn, False, 25, x, y, batch_size=64)
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"test accuracy {accuracy:.4f}")
    assert accuracy >= 0.98
    assert len(model.train_function.step.functions) == 1  # the short last batch needed no further trace


def language_model(count):
    def make(eagerly):
        return compiled(tf.keras.Sequential([
            L.Embedding(count, 16, input_length=24), L.LSTM(64), L.Dense(count, "softmax"),
        ]), eagerly, rate=5e-3)  # fmt: skip

    return make


def test_a_character_lstm_learns_this_projects_own_words():
    x, y, alphabet = characters()
    compared(language_model(len(alphabet)), x[:256], y[:256], batch_size=64)
    model, history, _ = train(language_model(len(alphabet)), False, 12, x, y, batch_size=64)
    print(f"loss {history['loss'][0]:.2f} -> {history['loss'][-1]:.2f}, accuracy {history['accuracy'][-1]:.2f}")
    assert history["loss"][-1] < 0.65 * history["loss"][0]
    text = list(x[0])
    for _ in range(12):
        text.append(int(np.argmax(model.predict(np.array([text[-24:]]), verbose=0))))
    assert len(text) == 36 and max(text) < len(alphabet)


class Block(tf.keras.layers.Layer):
    """A transformer's encoder block."""

    def __init__(self, width, heads):
        super().__init__()
        self.attention = L.MultiHeadAttention(heads, width // heads, dropout=0.1)
        self.first, self.second = L.LayerNormalization(), L.LayerNormalization()
        self.wide, self.narrow = L.Dense(4 * width, "gelu"), L.Dense(width)
        self.dropout = L.Dropout(0.1)
        self.supports_masking = True

    def call(self, x):
        x = self.first(x + self.dropout(self.attention(x, x)))
        return self.second(x + self.dropout(self.narrow(self.wide(x))))


class Positions(tf.keras.layers.Layer):
    """Token embeddings plus learned positions; token 0 is padding."""

    def __init__(self, tokens, length, width):
        super().__init__()
        self.tokens, self.places = L.Embedding(tokens, width, mask_zero=True), L.Embedding(length, width)

    def compute_mask(self, inputs, mask=None):
        return self.tokens.compute_mask(inputs)

    def call(self, x):
        return self.tokens(x) + self.places(tf.range(tf.shape(x)[1]))


def transformer(eagerly):
    inputs = tf.keras.Input((12,), dtype="int32")
    x = Positions(10, 12, 32)(inputs)
    x = Block(32, 4)(x)
    x = L.GlobalAveragePooling1D()(x)
    return compiled(tf.keras.Model(inputs, L.Dense(2, "softmax")(x)), eagerly, rate=2e-3)


def gru(eagerly):
    model = tf.keras.Sequential(
        [L.Embedding(10, 16, mask_zero=True), L.Bidirectional(L.GRU(16)), L.Dense(2, "softmax")]
    )
    return compiled(model, eagerly, rate=5e-3)


@pytest.mark.parametrize("make", [transformer, gru])
def test_padded_sequences(make, rng):
    (x, y), (x_test, y_test) = sequences(1500, rng), sequences(300, rng)
    compared(make, x[:256], y[:256], batch_size=64)
    model, _, _ = train(make, False, 15, x, y, batch_size=64)
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"test accuracy {accuracy:.3f}")
    assert accuracy > 0.93
    longer = np.concatenate([x_test, np.zeros((300, 0), np.int32)], 1)
    short = x_test[np.count_nonzero(x_test, 1) <= 8]
    np.testing.assert_allclose(
        model.predict(longer[: len(short)] * 0 + short, verbose=0), model(short).numpy(), rtol=1e-4, atol=1e-5
    )


class VAE(tf.keras.Model):
    """A variational autoencoder; the divergence is an added loss and an added metric."""

    def __init__(self):
        super().__init__()
        self.encoder = tf.keras.Sequential([L.Flatten(), L.Dense(64, "relu")])
        self.mean, self.log_variance = L.Dense(4), L.Dense(4)
        self.decoder = tf.keras.Sequential([L.Dense(64, "relu"), L.Dense(64, "sigmoid"), L.Reshape((8, 8, 1))])

    def call(self, x):
        h = self.encoder(x)
        mean, log_variance = self.mean(h), self.log_variance(h)
        z = mean + tf.exp(0.5 * log_variance) * tf.random.normal(tf.shape(mean))
        divergence = -0.5 * tf.reduce_mean(1 + log_variance - mean**2 - tf.exp(log_variance))
        self.add_loss(0.02 * divergence)
        self.add_metric(divergence, name="divergence")
        return self.decoder(z)


def vae(eagerly):
    model = VAE()
    model(np.zeros((1, 8, 8, 1), np.float32))
    return compiled(model, eagerly, "mse", (), 3e-3)


def test_a_variational_autoencoder():
    (x, _), _ = digits()
    compared(vae, x[:256], x[:256], batch_size=64)
    _, history, _ = train(vae, False, 20, x, x, batch_size=64)
    print({name: (round(c[0], 4), round(c[-1], 4)) for name, c in history.items()})
    assert history["loss"][-1] < 0.6 * history["loss"][0] and history["divergence"][-1] > 0.1


class GAN(tf.keras.Model):
    """A generator and a discriminator, each with its optimizer and its metric."""

    def __init__(self):
        super().__init__()
        self.generator = tf.keras.Sequential([L.Dense(16, "relu"), L.Dense(2)])
        self.discriminator = tf.keras.Sequential([L.Dense(32), L.LeakyReLU(0.2), L.Dense(1)])
        self.g_loss, self.d_loss = tf.keras.metrics.Mean(name="g_loss"), tf.keras.metrics.Mean(name="d_loss")

    def compile(self, g_optimizer, d_optimizer, **options):
        super().compile(**options)
        self.g_optimizer, self.d_optimizer = g_optimizer, d_optimizer
        self.entropy = tf.keras.losses.BinaryCrossentropy(from_logits=True)

    @property
    def metrics(self):
        return [self.g_loss, self.d_loss]

    def train_step(self, real):
        count = tf.shape(real)[0]
        noise = tf.random.normal((count, 4))
        with tf.GradientTape() as tape:
            both = tf.concat([self.generator(noise), real], 0)
            truth = tf.concat([tf.zeros((count, 1)), tf.ones((count, 1))], 0)
            loss = self.entropy(truth, self.discriminator(both))
        weights = self.discriminator.trainable_weights
        self.d_optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        self.d_loss.update_state(loss)
        with tf.GradientTape() as tape:
            loss = self.entropy(tf.ones((count, 1)), self.discriminator(self.generator(noise)))
        weights = self.generator.trainable_weights
        self.g_optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        self.g_loss.update_state(loss)
        return {m.name: m.result() for m in self.metrics}


def gan(eagerly):
    model = GAN()
    model.discriminator(model.generator(tf.zeros((1, 4))))
    model.compile(tf.keras.optimizers.Adam(2e-3, 0.5), tf.keras.optimizers.Adam(2e-3, 0.5), run_eagerly=eagerly)
    return model


def test_two_networks_against_each_other(rng):
    real = (rng.normal(size=(1024, 2)) * 0.3 + [2.0, -1.0]).astype(np.float32)
    compared(gan, real[:256], batch_size=64, rtol=5e-3)
    model, history, _ = train(gan, False, 60, real, batch_size=64)
    made = model.generator(tf.random.normal((500, 4))).numpy()
    print("mean of what is generated", made.mean(0), "losses", history["g_loss"][-1], history["d_loss"][-1])
    assert np.abs(made.mean(0) - [2.0, -1.0]).max() < 0.6


def test_a_frozen_base_learns_a_new_task():
    (x, y), (x_test, y_test) = digits()
    low, low_test = y < 5, y_test < 5

    def pretrained(eagerly):
        return compiled(tf.keras.Sequential([
            tf.keras.Input((8, 8, 1)), L.Conv2D(16, 3, activation="relu"), L.BatchNormalization(), L.Flatten(),
            L.Dense(48, "relu", name="features"), L.Dense(10, "softmax"),
        ]), eagerly)  # fmt: skip

    source, _, _ = train(pretrained, False, 5, x[low], y[low], batch_size=64)
    base = tf.keras.Model(source.inputs, source.get_layer("features").output)
    base.trainable = False
    before = [w.copy() for w in base.get_weights()]

    def transferred(eagerly):
        inputs = tf.keras.Input((8, 8, 1))
        head = L.Dense(5, "softmax")(base(inputs, training=False))
        return compiled(tf.keras.Model(inputs, head), eagerly, rate=1e-2)

    high, target = x[~low], y[~low] - 5
    compared(transferred, high[:256], target[:256], batch_size=64)
    model, _, _ = train(transferred, False, 40, high, target, batch_size=64)
    _, accuracy = model.evaluate(x_test[~low_test], y_test[~low_test] - 5, verbose=0)
    print(f"test accuracy {accuracy:.3f}")
    assert accuracy > 0.85 and len(model.trainable_weights) == 2
    assert all((a == b).all() for a, b in zip(before, base.get_weights(), strict=True))


class TreeSum(tf.keras.layers.Layer):
    """Python recursion decides what is computed, so the layer is dynamic."""

    def __init__(self, units):
        super().__init__(dynamic=True)
        self.join = L.Dense(units, "tanh")

    def call(self, tree):
        if not isinstance(tree, tuple):
            return tree
        left, right = (self.call(child) for child in tree)
        return self.join(tf.concat([left, right], -1))


class TreeNet(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.tree, self.score = TreeSum(6), L.Dense(1)

    def call(self, tree):
        return self.score(self.tree(tree))


def tree_net(eagerly):
    model = TreeNet()
    model((tf.zeros((1, 6)), tf.zeros((1, 6))))
    return compiled(model, eagerly or None, "mse", (), 0.02)


def test_a_recursive_network_stays_eager(rng):
    data = [t for t in (trees(3, 6, rng) for _ in range(80)) if isinstance(t, tuple)]

    class Trees(tf.keras.utils.Sequence):
        def __len__(self):
            return len(data)

        def __getitem__(self, index):
            return data[index], tf.reshape(first_leaf(data[index])[0, 0], (1, 1))

    compared(tree_net, Trees(), shuffle=False)
    model, history, _ = train(tree_net, False, 20, Trees(), shuffle=False)
    print(f"loss {history['loss'][0]:.3f} -> {history['loss'][-1]:.3f}")
    assert model.run_eagerly and history["loss"][-1] < 0.5 * history["loss"][0]


def first_leaf(tree):
    return first_leaf(tree[0]) if isinstance(tree, tuple) else tree
