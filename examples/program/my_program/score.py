"""The program: a request a line on standard input, an answer a line on standard output.

It needs transformers 4, whose image processors run without torch; cbench needs transformers 5."""

import json
import sys

import numpy as np
from PIL import Image
from transformers import CLIPImageProcessor

processor = CLIPImageProcessor()


def sharpness(path):
    """Variance of the Laplacian of the grey image, in CLIP's normalised units."""
    pixels = processor(Image.open(path), return_tensors="np")["pixel_values"][0]
    grey = pixels.mean(0)
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    return float(np.var(laplacian))


for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps({"scores": [sharpness(path) for path in request["images"]]}), flush=True)
