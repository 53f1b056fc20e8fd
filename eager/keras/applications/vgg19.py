"""tf.keras.applications.vgg19."""

from __future__ import annotations

from eager.keras.applications.imagenet_utils import decode_predictions, in_mode
from eager.keras.applications.vgg import vgg

VGG19 = vgg("VGG19", (2, 2, 4, 4, 4))
preprocess_input = in_mode("caffe", "VGG19")

__all__ = ["VGG19", "decode_predictions", "preprocess_input"]
