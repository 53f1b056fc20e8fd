"""Layers that prepare data: images, numbers, categories and text. Each module is loaded on first use."""

from __future__ import annotations

from eager.lazy import lazy_names

MODULES = {
    "eager.keras.layers.preprocessing.base": "PreprocessingLayer",
    "eager.keras.layers.preprocessing.category_encoding": "CategoryEncoding",
    "eager.keras.layers.preprocessing.discretization": "Discretization",
    "eager.keras.layers.preprocessing.feature_normalization": "Normalization",
    "eager.keras.layers.preprocessing.hashed_crossing": "HashedCrossing",
    "eager.keras.layers.preprocessing.hashing": "Hashing",
    "eager.keras.layers.preprocessing.image": "CenterCrop Rescaling Resizing",
    "eager.keras.layers.preprocessing.integer_lookup": "IntegerLookup",
    "eager.keras.layers.preprocessing.random_image": "RandomBrightness RandomContrast RandomCrop RandomFlip",
    "eager.keras.layers.preprocessing.random_size": "RandomHeight RandomWidth",
    "eager.keras.layers.preprocessing.random_transform": "RandomRotation RandomTranslation RandomZoom",
    "eager.keras.layers.preprocessing.string_lookup": "StringLookup",
    "eager.keras.layers.preprocessing.text_vectorization": "TextVectorization",
}
"""The layers of each module, in the form of `lazy_names`."""

__getattr__, __dir__ = lazy_names(globals(), "tf.keras.layers.experimental.preprocessing", MODULES)
