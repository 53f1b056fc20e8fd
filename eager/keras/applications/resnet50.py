"""tf.keras.applications.resnet50: ResNet50 alone, under its first name."""

from __future__ import annotations

from eager.keras.applications.resnet import ResNet50, decode_predictions, preprocess_input

__all__ = ["ResNet50", "decode_predictions", "preprocess_input"]
