"""tf.image: resizing, cropping, flipping and adjusting images; every name is loaded on first use."""

from __future__ import annotations

from eager.lazy import lazy_names

__getattr__, __dir__ = lazy_names(globals(), "tf.image", {
    "eager.ops.image_geometry": "central_crop crop_to_bounding_box extract_patches flip_left_right flip_up_down "
    "pad_to_bounding_box resize_with_crop_or_pad rot90 transpose",
    "eager.ops.image_resize": "ResizeMethod crop_and_resize resize resize_with_pad",
    "eager.ops.image_color": "adjust_brightness adjust_contrast adjust_gamma adjust_hue adjust_saturation "
    "convert_image_dtype grayscale_to_rgb hsv_to_rgb rgb_to_grayscale rgb_to_hsv",
    "eager.ops.image_measure": "image_gradients per_image_standardization psnr sobel_edges ssim total_variation",
    "eager.ops.image_random": "random_brightness random_contrast random_crop random_flip_left_right "
    "random_flip_up_down random_hue random_saturation stateless_random_brightness stateless_random_contrast "
    "stateless_random_crop stateless_random_flip_left_right stateless_random_flip_up_down stateless_random_hue "
    "stateless_random_saturation",
})  # fmt: skip
