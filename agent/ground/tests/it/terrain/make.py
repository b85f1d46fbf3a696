"""Writes the elevation models of the tests, and what `rasterio` (GDAL) reads from them.

    pip install rasterio==1.4.4 && python3 make.py

Each is a hill between 30.00 and 30.02 north, 120.00 and 120.03 east. `read.csv` has, for places at random, the height that GDAL's
bilinear sampling gives: `nan` where it has none.
"""

import csv
import pathlib
import random

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.transform import from_origin
from rasterio.warp import transform
from rasterio.windows import Window

HERE = pathlib.Path(__file__).parent
ROWS, COLUMNS = 24, 36
STEP = 0.02 / ROWS
KINDS = {
    "float-deflate": {"dtype": "float32", "compress": "deflate", "predictor": 3},
    "short-deflate": {"dtype": "int16", "compress": "deflate", "predictor": 2, "nodata": -32768, "ENDIANNESS": "BIG"},
    "double-tiled": {"dtype": "float64", "tiled": True, "blockxsize": 16, "blockysize": 16},
    "float-point": {"dtype": "float32"},
    "float-lzw": {"dtype": "float32", "compress": "lzw", "predictor": 3},
    "short-lzw": {"dtype": "int16", "compress": "lzw", "predictor": 2, "tiled": True, "blockxsize": 16, "blockysize": 16},
    "noise-lzw": {"dtype": "float64", "compress": "lzw"},
    "metres-utm": {"dtype": "float32", "compress": "lzw", "crs": "EPSG:32650"},
}


def hill():
    rows, columns = np.mgrid[0:ROWS, 0:COLUMNS]
    return 60 + 80 * np.exp(-(((rows - 9) / 6) ** 2) - ((columns - 20) / 8) ** 2) + 0.7 * columns


def write(name, keys):
    heights = hill().astype(keys["dtype"])
    if "nodata" in keys:
        heights[3:6, 4:7] = keys["nodata"]
    path = HERE / f"{name}.tif"
    profile = {"driver": "GTiff", "height": ROWS, "width": COLUMNS, "count": 1, "crs": "EPSG:4326", **keys}
    origin = from_origin(120.0, 30.02, STEP, STEP)
    if profile["crs"] != "EPSG:4326":
        (east,), (north,) = transform("EPSG:4326", profile["crs"], [120.0], [30.02])
        origin = from_origin(east, north, 80, 90)
    with rasterio.open(path, "w", transform=origin, **profile) as file:
        if name.endswith("point"):
            file.update_tags(AREA_OR_POINT="Point")
        file.write(heights, 1)
    return path


def bilinear(file, lat, lon):
    """The height at a place, sampled by GDAL in a window of one pixel around it; nothing beyond the outermost middles."""
    (east,), (north,) = transform("EPSG:4326", file.crs, [lon], [lat])
    column, row = ~file.transform * (east, north)
    if not (0.5 <= column <= COLUMNS - 0.5 and 0.5 <= row <= ROWS - 0.5):
        return None
    r, c = min(int(row - 0.5), ROWS - 2), min(int(column - 0.5), COLUMNS - 2)
    corners = file.read(1, window=Window(c, r, 2, 2), masked=True)
    if np.ma.is_masked(corners):
        return float("nan")
    y, x = row - 0.5 - r, column - 0.5 - c
    (a, b), (d, e) = corners.astype(float).tolist()
    return (a * (1 - x) + b * x) * (1 - y) + (d * (1 - x) + e * x) * y


def main():
    random.seed(17)
    with open(HERE / "read.csv", "w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["file", "lat_deg", "lon_deg", "height_m"])
        for name, keys in KINDS.items():
            with rasterio.open(write(name, keys)) as file:
                told = 0
                while told < 60:
                    lat, lon = random.uniform(30.0, 30.02), random.uniform(120.0, 120.03)
                    height = bilinear(file, lat, lon)
                    if height is not None:
                        rows.writerow([name, f"{lat:.9f}", f"{lon:.9f}", f"{height:.6f}"])
                        told += 1
    profile = {"driver": "GTiff", "height": 4, "width": 4, "dtype": "float32"}
    with rasterio.open(HERE / "packbits.tif", "w", count=1, crs="EPSG:4326", transform=from_origin(120, 30, 1, 1), compress="packbits", **profile) as file:
        file.write(np.zeros((4, 4), "float32"), 1)
    for name, crs in [("mercator", "EPSG:3857"), ("beyond", "EPSG:4326")]:
        with rasterio.open(HERE / f"{name}.tif", "w", count=1, crs=crs, transform=from_origin(5e5, 3e6, 30, 30), **profile) as file:
            file.write(np.zeros((4, 4), "float32"), 1)
    with rasterio.open(HERE / "bands.tif", "w", count=3, crs="EPSG:4326", transform=from_origin(120, 30, 1, 1), **profile) as file:
        file.write(np.zeros((3, 4, 4), "float32"))


if __name__ == "__main__":
    main()
