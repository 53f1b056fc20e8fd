"""tf.keras.applications.vgg16."""

from __future__ import annotations

from eager.keras.applications.imagenet_utils import decode_predictions, in_mode
from eager.keras.applications.vgg import vgg

VGG16 = vgg("VGG16", (2, 2, 3, 3, 3))
preprocess_input = in_mode("caffe", "VGG16")

__all__ = ["VGG16", "decode_predictions", "preprocess_input"]
