"""Names of TensorFlow that layerjit leaves out on purpose: why, and what to use instead."""

from __future__ import annotations

from typing import Any, NoReturn

from graphcore.errors import UnsupportedError


class AbsentError(UnsupportedError, AttributeError):
    """A part of TensorFlow that layerjit does not have; `hasattr` sees it as missing."""


_RAGGED = "tensors are dense; pad rows to one length (tf.keras.utils.pad_sequences) and pass a mask"
_SPARSE = "tensors are dense; use tf.gather and tf.scatter_nd, or tf.IndexedSlices for gradients of embeddings"
_DISTRIBUTE = "layerjit runs on the CPU of one process; run the code without a strategy scope"
_FILES = "read files with NumPy or Python and pass arrays; models are saved by model.save and save_weights"
_GRAPH_MODE = "there are no sessions; call functions directly, or compile them with tf.function"
_ROWS = "pad the ids to one length; then tf.nn.embedding_lookup, and a sum weighted with the mask"
_CANDIDATES = "use the full softmax, or draw class numbers with tf.random.uniform and tf.gather their weights"
_EXACT = "use tf.math.top_k, which is exact"
_FRACTIONAL = "use tf.nn.max_pool or tf.nn.avg_pool with whole windows, or tf.image.resize"
_CUSTOM = "write it with tf functions; tf.custom_gradient gives it a gradient of its own"
_NO_LU = "use tf.linalg.solve or tf.linalg.inv, which factor the matrix themselves, or tf.linalg.qr"
_DOWNLOADS = "nothing is downloaded; tf.keras.datasets.digits is embedded, other files are read with NumPy"
_RECORDS = "read records with Python and pass tf.data.Dataset.from_generator a generator of arrays"
_CSV = "read the file with np.genfromtxt or csv, and pass the columns to tf.data.Dataset.from_tensor_slices"
_RANDOM_IMAGES = "use tf.keras.utils.image_dataset_from_directory and layers such as tf.keras.layers.RandomRotation"
_IMAGE_ARRAYS = ("DirectoryIterator", "ImageDataGenerator", "Iterator", "NumpyArrayIterator")
_AHEAD = "fit, evaluate and predict read generators and Sequences ahead: pass workers and max_queue_size"
_SIDECAR = "evaluate in the same process, with validation_data or a callback"
_EXPORT = "layerjit writes no SavedModel; use model.save with a name that ends in .keras, or fn.dump for a graph"
_PROTOBUF = "records are no protocol buffers here; store arrays with np.savez, or tf.data.Dataset.save and load"
_VIEW = "tf.train.list_variables and load_checkpoint list a checkpoint, variables and submodules an object"
_RECORD_CLASSES = (
    "BytesList", "Example", "Feature", "FeatureList", "FeatureLists", "Features", "FloatList", "Int64List",
    "SequenceExample",
)  # fmt: skip
_DATASETS = ("boston_housing", "cifar10", "cifar100", "fashion_mnist", "imdb", "mnist", "reuters")

ABSENT: dict[str, str] = {
    "RaggedTensor": _RAGGED, "RaggedTensorSpec": _RAGGED, "ragged": _RAGGED,
    "SparseTensor": _SPARSE, "SparseTensorSpec": _SPARSE, "sparse": _SPARSE,
    "distribute": _DISTRIBUTE, "tpu": _DISTRIBUTE, "lite": "export a graph with fn.dump instead",
    "io": _FILES, "saved_model": _FILES, "audio": _FILES, "summary": "log numbers with callbacks",
    "compat": _GRAPH_MODE, "Session": _GRAPH_MODE, "placeholder": _GRAPH_MODE, "Graph": _GRAPH_MODE,
    "raw_ops": "use the function of that name in tf, tf.math, tf.nn or tf.linalg",
    "strings.to_hash_bucket": "use tf.strings.to_hash_bucket_fast, whose values are fixed",
    "strings.unicode_script": "use Python's unicodedata on tf.strings.unicode_decode(x, 'UTF-8').numpy()",
    "lookup": "look up with a Python dict before values become tensors",
    "queue": "pass arrays or generators", "quantization": "cast with tf.cast",
    "nn.embedding_lookup_sparse": _ROWS, "nn.safe_embedding_lookup_sparse": _ROWS,
    "nn.nce_loss": _CANDIDATES, "nn.sampled_softmax_loss": _CANDIDATES, "nn.compute_accidental_hits": _CANDIDATES,
    "nn.all_candidate_sampler": _CANDIDATES, "nn.fixed_unigram_candidate_sampler": _CANDIDATES,
    "nn.learned_unigram_candidate_sampler": _CANDIDATES, "nn.log_uniform_candidate_sampler": _CANDIDATES,
    "random.all_candidate_sampler": _CANDIDATES, "random.fixed_unigram_candidate_sampler": _CANDIDATES,
    "random.learned_unigram_candidate_sampler": _CANDIDATES, "random.log_uniform_candidate_sampler": _CANDIDATES,
    "random.uniform_candidate_sampler": _CANDIDATES,
    "approx_top_k": _EXACT, "math.approx_max_k": _EXACT, "math.approx_min_k": _EXACT, "nn.approx_max_k": _EXACT,
    "nn.approx_min_k": _EXACT, "nn.isotonic_regression": "use scipy.optimize.isotonic_regression on arrays",
    "math.sobol_sample": "use scipy.stats.qmc.Sobol and tf.constant",
    "nn.with_space_to_batch": "pass dilations to tf.nn.convolution or tf.nn.pool",
    "nn.fractional_avg_pool": _FRACTIONAL, "nn.fractional_max_pool": _FRACTIONAL,
    "nn.ctc_greedy_decoder": "its result is sparse; take tf.argmax(logits, -1), then drop repeats and blanks",
    "nn.ctc_beam_search_decoder": "its result is sparse; decode tf.nn.log_softmax(logits).numpy()",
    "linalg.banded_triangular_solve": "use tf.linalg.triangular_solve on the full matrix",
    "linalg.lu": _NO_LU, "linalg.lu_solve": _NO_LU, "linalg.lu_reconstruct": _NO_LU,
    "linalg.lu_matrix_inverse": _NO_LU,
    "linalg.eigh_tridiagonal": "use tf.linalg.eigh on the full matrix",
    "linalg.LinearOperator": "write the product with tf.linalg functions, such as tf.linalg.matvec",
    "sets": "use Python sets, or tf.unique", "edit_distance": "compute it on Python sequences",
    "fingerprint": "use hashlib on x.numpy().tobytes()",
    "make_ndarray": "use np.asarray(x)", "make_tensor_proto": _FILES,
    "load_library": _CUSTOM, "load_op_library": _CUSTOM,
    "RegisterGradient": _CUSTOM, "no_gradient": _CUSTOM, "import_graph_def": _GRAPH_MODE, "graph_util": _GRAPH_MODE,
    "Operation": _GRAPH_MODE, "feature_column": "use preprocessing layers, or arrays",
    "profiler": "fn.explain(...) lists what runs", "autograph": "Python if, while and for work in tf.function",
    **{f"keras.datasets.{name}": _DOWNLOADS for name in _DATASETS},
    "data.TFRecordDataset": _RECORDS, "data.experimental.TFRecordWriter": _RECORDS,
    "data.experimental.CsvDataset": _CSV, "data.experimental.make_csv_dataset": _CSV,
    "data.experimental.SqlDataset": _RECORDS, "data.experimental.service": _DISTRIBUTE,
    **{f"keras.preprocessing.image.{name}": _RANDOM_IMAGES for name in _IMAGE_ARRAYS},
    "data.Dataset.ragged_batch": _RAGGED, "data.Dataset.sparse_batch": _SPARSE, "keras.Model.export": _EXPORT,
    **{f"train.{name}": _PROTOBUF for name in _RECORD_CLASSES},
    **{f"train.{name}": _DISTRIBUTE for name in ("ClusterDef", "ClusterSpec", "JobDef", "ServerDef")},
    "train.CheckpointView": _VIEW, "train.TrackableView": _VIEW,
    "train.Coordinator": "use threading.Thread with a threading.Event; datasets manage their own threads",
    "data.IteratorSpec": "iterate in Python; an iterator has element_spec",
    **{f"keras.utils.{name}": _AHEAD for name in ("GeneratorEnqueuer", "OrderedEnqueuer", "SequenceEnqueuer")},
    "keras.utils.SidecarEvaluator": _SIDECAR, "keras.callbacks.SidecarEvaluatorModelExport": _SIDECAR,
    "keras.utils.StepsPerExecutionTuner": "a step is one native call; nothing is gained by more of them at a time",
    "keras.utils.TimedThread": "use threading.Timer", "keras.callbacks.BaseLogger": "metrics average over an epoch",
    "keras.utils.FeatureSpace": "use preprocessing layers on a dict of inputs, and Concatenate",
    "keras.utils.audio_dataset_from_directory": "read files with Python's wave, and pass arrays to tf.data",
    "keras.utils.get_file": _DOWNLOADS, "keras.estimator": "train with model.fit",
    "keras.dtensor": _DISTRIBUTE, "keras.layers.DenseFeatures": "use preprocessing layers and Concatenate",
    "keras.backend.placeholder": "use tf.keras.Input", "keras.backend.gradients": "use tf.GradientTape",
    "keras.backend.ctc_label_dense_to_sparse": "tf.nn.ctc_loss takes dense labels and their lengths",
    "xla": "tf.function compiles; nothing has to be asked for", "mlir": "fn.dump and `layerjit show` print the graph",
}  # fmt: skip
"""Name, as users write it after "tf.", -> what to do instead."""


def absent(name: str) -> AbsentError | None:
    """The error for a name that is left out on purpose, None for any other."""
    why = ABSENT.get(name)
    return None if why is None else AbsentError(f"layerjit has no tf.{name}: {why}")


class AbsentMethod:
    """Stands in a class for a method that is left out: looking it up raises the error that says what to use."""

    def __init__(self, name: str) -> None:
        """Takes the name, as users write it after "tf."; it has an entry in ABSENT."""
        self._name = name

    def __get__(self, instance: Any, owner: Any = None) -> NoReturn:
        """Raises AbsentError."""
        raise AbsentError(f"layerjit has no tf.{self._name}: {ABSENT[self._name]}")
