"""tf.keras.applications: published image classifiers, without weights. Each is loaded on first use.

Nothing is downloaded: pass `weights=None` for fresh weights, or the path of a weights file.
"""

from __future__ import annotations

from eager.lazy import lazy_names

_HERE = "eager.keras.applications"
_MODELS = {
    "densenet": "DenseNet121 DenseNet169 DenseNet201",
    "efficientnet": "EfficientNetB0 EfficientNetB1 EfficientNetB2 EfficientNetB3 EfficientNetB4 EfficientNetB5 "
    "EfficientNetB6 EfficientNetB7",
    "imagenet_utils": "",
    "mobilenet": "MobileNet",
    "mobilenet_v2": "MobileNetV2",
    "resnet": "ResNet50 ResNet101 ResNet152",
    "resnet50": "",
    "resnet_v2": "ResNet50V2 ResNet101V2 ResNet152V2",
    "vgg16": "VGG16",
    "vgg19": "VGG19",
}

__getattr__, __dir__ = lazy_names(
    globals(),
    "tf.keras.applications",
    {f"{_HERE}.{module}": f"{module}= {names}" for module, names in _MODELS.items()},
)
