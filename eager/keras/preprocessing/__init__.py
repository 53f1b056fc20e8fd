"""tf.keras.preprocessing: the older helpers for sequences, text and images, and datasets from folders."""

from __future__ import annotations

from eager.lazy import lazy_names

__getattr__, __dir__ = lazy_names(globals(), "tf.keras.preprocessing", {
    "eager.keras.preprocessing.image": "image=",
    "eager.keras.preprocessing.sequence": "sequence=",
    "eager.keras.preprocessing.text": "text=",
    "eager.keras.dataset_utils": "timeseries_dataset_from_array",
    "eager.keras.folder_datasets": "image_dataset_from_directory text_dataset_from_directory",
})  # fmt: skip
