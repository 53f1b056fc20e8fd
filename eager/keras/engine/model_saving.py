"""The part of Model that saves and loads: thin methods over eager.keras.saving, which is loaded on first use."""

from __future__ import annotations

import json
from typing import Any

from eager.absent import AbsentMethod


class Saving:
    """Saving and loading of models (part of tf.keras.Model)."""

    def save(self, filepath: Any, overwrite: bool = True, save_format: str | None = None, **kwargs: Any) -> None:
        """Saves the model as a `.keras` or `.h5` file; the arguments and errors are `tf.keras.models.save_model`'s."""
        from eager.keras.saving.models import save_model

        save_model(self, filepath, overwrite, save_format, **kwargs)

    def save_weights(
        self, filepath: Any, overwrite: bool = True, save_format: str | None = None, options: Any = None
    ) -> None:
        """Saves the weights alone.

        Args:
            filepath: `x.weights.h5` (Keras 3's format), another `.h5` (the older one), `.npz`, `.safetensors`, or a
                name without ending, which gives a tf.train.Checkpoint.
            overwrite: whether a file that is there may be replaced.
            save_format: "h5" or "tf" (a checkpoint); by default what the ending says.
            options: accepted for compatibility.

        Raises:
            ValueError: before the weights are made, or for an unknown format.
            FileExistsError: if the file is there and `overwrite` is False.
        """
        from eager.keras.saving.models import save_weights

        save_weights(self, filepath, overwrite, save_format, options)

    def load_weights(
        self, filepath: Any, skip_mismatch: bool = False, by_name: bool = False, options: Any = None
    ) -> Any:
        """Takes the weights of a file; for a checkpoint returns the status of the restoring.

        Args:
            filepath: a file of `save_weights`, or of a whole model.
            skip_mismatch: whether layers whose weights do not fit are left as they are, with a warning.
            by_name: whether layers are found by name; only for the older `.h5` format.
            options: accepted for compatibility.

        Raises:
            ValueError: if weights do not fit or are not made yet; nothing is changed then.
            FileNotFoundError: if there is no such file.
        """
        from eager.keras.saving.models import load_weights

        return load_weights(self, filepath, skip_mismatch, by_name, options)

    def to_json(self, **kwargs: Any) -> str:
        """The structure of the model as JSON, which `tf.keras.models.model_from_json` and Keras 3's read.

        Args:
            **kwargs: of json.dumps.

        Raises:
            NotImplementedError: if a class lacks get_config.
        """
        from eager.keras.saving.keras_file import KERAS_VERSION, file_config

        config = {k: v for k, v in file_config(self).items() if k != "compile_config"}
        return json.dumps(config | {"keras_version": KERAS_VERSION, "backend": "layerjit"}, **kwargs)

    def to_yaml(self, **kwargs: Any) -> str:
        """Not there, as in tf.keras. Raises RuntimeError: reading YAML can run code; use `to_json`."""
        del kwargs
        raise RuntimeError(
            "Method `model.to_yaml()` has been removed due to security risk of arbitrary code execution. Please use "
            "`model.to_json()` instead."
        )

    export = AbsentMethod("keras.Model.export")
