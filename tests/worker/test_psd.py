"""Owns the proof of PSD and PSB as inputs: colours, depths, transparency, layers. Never of a method."""

from __future__ import annotations

import io
import struct
import sys

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms

from tests.worker.conftest import PHOTO, Studio
from tests.worker.psd import (
    BITMAP,
    CMYK,
    DUOTONE,
    GREY,
    INDEXED,
    LAB,
    MULTICHANNEL,
    RAW,
    RGB,
    RLE,
    ZIP,
    ZIP_PREDICTED,
    count,
    psd,
    resource,
)
from tests.worker.psd.desk import SAMPLES, Desk, array, exif, layered

NO_COMPOSITE = {1057: struct.pack(">IBII", 1, 0, 0, 0)}


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """Pixels of a photograph, 64 x 48."""
    with Image.open(PHOTO) as image:
        return np.asarray(image.convert("RGB").resize((64, 48)))


@pytest.fixture(scope="module")
def desk(studio: Studio) -> Desk:
    return Desk(studio)


# --- what is stored -------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("packing", [RAW, RLE, ZIP, ZIP_PREDICTED])
def test_every_packing_of_both_versions_gives_the_pixels_back(
    desk: Desk, photo: np.ndarray, packing: int, version: int
) -> None:
    shown = desk.picture(psd(photo, RGB, packing, version))
    assert shown.mode == "RGB"
    assert np.array_equal(array(shown), photo)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_what_psd_tools_writes_reads_as_pillow_reads_it(desk: Desk, photo: np.ndarray, mode: str) -> None:
    from psd_tools import PSDImage

    file = io.BytesIO()
    PSDImage.frompil(Image.fromarray(photo).convert(mode)).save(file)
    with Image.open(io.BytesIO(file.getvalue())) as reference:
        assert np.array_equal(array(desk.picture(file.getvalue()), mode), array(reference, mode))


@pytest.mark.parametrize("mode", [GREY, DUOTONE])
def test_grey_and_duotone_are_grey(desk: Desk, photo: np.ndarray, mode: int) -> None:
    grey = photo[:, :, :1]
    assert np.array_equal(array(desk.picture(psd(grey, mode))), np.repeat(grey, 3, axis=2))


def test_a_set_bit_is_ink_and_rows_are_padded_to_bytes(desk: Desk) -> None:
    ink = np.random.default_rng(5).random((7, 13, 1)) < 0.5
    for packing in (RAW, RLE):
        shown = array(desk.picture(psd(ink, BITMAP, packing)), "L")
        assert np.array_equal(shown, np.where(ink[:, :, 0], 0, 255))


def test_sixteen_bits_become_eight(desk: Desk, photo: np.ndarray) -> None:
    for packing in (RAW, RLE, ZIP):
        shown = array(desk.picture(psd(photo.astype(np.uint16) * 257, RGB, packing)))
        assert np.abs(shown - photo).max() <= 1


def test_thirty_two_bits_are_light(desk: Desk) -> None:
    values = np.tile(np.array([0, 0.0031308, 0.2140411, 0.5, 1, 7, -1, np.nan], np.float32)[None, :, None], (2, 1, 3))
    shown = array(desk.picture(psd(values)))[0, :, 0]
    assert np.abs(shown - [0, 10, 127.5, 188, 255, 255, 0, 0]).max() <= 1


def test_indexed_pictures_have_a_palette_and_maybe_one_clear_place(desk: Desk) -> None:
    palette = np.random.default_rng(6).integers(0, 256, (3, 256), np.uint8)
    places = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    shown = desk.picture(psd(places, INDEXED, palette=palette.tobytes()))
    assert shown.mode == "RGB"
    assert np.array_equal(array(shown).reshape(256, 3), palette.T)
    shown = desk.picture(psd(places, INDEXED, palette=palette.tobytes(), resources={1047: b"\0\x07"}))
    alpha = array(shown, "RGBA")[:, :, 3].ravel()
    assert alpha[7] == 0
    assert (np.delete(alpha, 7) == 255).all()


def test_lab_equals_littlecms(desk: Desk, photo: np.ndarray) -> None:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(Image.fromarray(photo), srgb, lab, outputMode="LAB")
    # Pillow gives a and b as signed bytes, a file holds them with 128 added
    stored = np.asarray(converted) ^ np.array([0, 128, 128], np.uint8)
    difference = np.abs(array(desk.picture(psd(stored, LAB))) - photo)
    assert difference.mean() < 1
    assert np.quantile(difference, 0.99) <= 4


def test_cmyk_is_stored_as_what_is_left_of_the_paper(desk: Desk) -> None:
    inks = np.full((1, 4, 4), 255, np.uint8)
    inks[0, 1, 3] = inks[0, 2, 0] = inks[0, 3, 2] = 0
    paper, black, cyan, yellow = array(desk.picture(psd(np.repeat(inks, 2, axis=0), CMYK)))[0]
    assert paper.min() >= 250
    assert black.max() <= 60
    assert cyan[0] < 60 < 120 < cyan[2]
    assert yellow[2] < 60 < 200 < yellow[0]


def test_cmyk_with_a_profile_is_near_littlecms(desk: Desk) -> None:
    profile = pyvips.Image.profile_load("cmyk")
    inks = np.random.default_rng(7).integers(0, 100, (16, 16, 4), np.uint8)
    image = Image.fromarray(inks, "CMYK")
    reference = ImageCms.profileToProfile(
        image, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), 1, "RGB"
    )
    shown = array(desk.picture(psd(255 - inks, CMYK, resources={1039: profile})))
    assert np.abs(shown - array(reference)).mean() < 6


def test_a_profile_is_applied_once(desk: Desk, photo: np.ndarray) -> None:
    profile = pyvips.Image.profile_load("p3")
    wide = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    reference = array(ImageCms.profileToProfile(Image.fromarray(photo), wide, ImageCms.createProfile("sRGB"), 1, "RGB"))
    assert np.abs(reference - photo).max() > 20
    shown = array(desk.picture(psd(photo, resources={1039: profile})))
    assert np.abs(shown - reference).max() <= 2


def test_a_profile_of_another_colour_space_is_passed_over(desk: Desk, photo: np.ndarray) -> None:
    profile = pyvips.Image.profile_load("cmyk")
    assert np.array_equal(array(desk.picture(psd(photo, resources={1039: profile}))), photo)


def test_inks_of_a_multichannel_picture_are_mixed_and_masks_are_not(desk: Desk) -> None:
    cyan_and_yellow = np.full((2, 2, 3), 255, np.uint8)
    cyan_and_yellow[:, :, (0, 2)] = 0
    green = array(desk.picture(psd(cyan_and_yellow, MULTICHANNEL)))[0, 0]
    assert green[1] > green[0] + 50
    assert green[1] > green[2] + 50
    masks = struct.pack(">I", 1) + bytes(13) * 3
    shown = array(desk.picture(psd(cyan_and_yellow, MULTICHANNEL, resources={1077: masks})))[0, 0]
    assert shown.tolist() == [0, 0, 0]


# --- transparency ---------------------------------------------------------------------------------


def over_white(photo: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    share = alpha[:, :, None] / 255
    matted = np.rint(photo * share + 255 * (1 - share)).astype(np.uint8)
    return np.dstack([matted, alpha])


@pytest.fixture(scope="module")
def alpha(photo: np.ndarray) -> np.ndarray:
    height, width = photo.shape[:2]
    return np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1))


def test_the_white_under_a_transparent_picture_is_taken_away(desk: Desk, photo: np.ndarray, alpha: np.ndarray) -> None:
    shown = array(desk.picture(psd(over_white(photo, alpha), RGB, RLE, layers=count(-1))), "RGBA")
    assert np.array_equal(shown[:, :, 3], alpha)
    # what is left of a value is known to half a step of what was stored
    allowed = 1 + 128 / np.maximum(alpha, 1)[:, :, None]
    assert (np.abs(shown[:, :, :3] - photo)[alpha > 0] <= np.broadcast_to(allowed, photo.shape)[alpha > 0]).all()


def test_it_shows_over_white_as_it_was_stored_in_every_mode_and_depth(
    desk: Desk, photo: np.ndarray, alpha: np.ndarray
) -> None:
    stored = over_white(photo, alpha)
    for pixels, mode in (
        (stored, RGB),
        (stored.astype(np.uint16) * 257, RGB),
        (stored[:, :, 2:], GREY),
        (np.dstack([stored[:, :, 2:3].astype(np.uint16) * 257, alpha.astype(np.uint16) * 257]), GREY),
    ):
        shown = array(desk.picture(psd(pixels, mode, layers=count(-1)), type="image/jpeg", quality=100), "RGB")
        wanted = stored[:, :, :3] if mode == RGB else np.repeat(stored[:, :, 2:3], 3, axis=2)
        assert np.abs(shown - wanted).mean() < 4


def test_a_picture_that_was_not_laid_over_white_is_left_alone(desk: Desk, photo: np.ndarray, alpha: np.ndarray) -> None:
    shown = array(desk.picture(psd(np.dstack([photo, alpha]))), "RGBA")
    assert np.array_equal(shown, np.dstack([photo, alpha]))


def test_cmyk_and_lab_keep_their_transparency(desk: Desk, photo: np.ndarray, alpha: np.ndarray) -> None:
    for mode, colours in ((CMYK, 4), (LAB, 3)):
        pixels = np.dstack([np.full((*alpha.shape, colours), 255, np.uint8), alpha])
        shown = desk.picture(psd(pixels, mode, layers=count(-1)))
        assert shown.mode == "RGBA"
        assert np.array_equal(array(shown, "RGBA")[:, :, 3], alpha)
        shown = desk.picture(psd(pixels, mode, layers=count(-1)), [("resize", {"width": 16})])
        assert shown.mode == "RGBA"


@pytest.mark.parametrize(
    ("notes", "layers", "transparent"),
    [
        ({}, b"", True),
        ({}, count(2), False),
        ({}, count(-2), True),
        ({1053: struct.pack(">I", 6)}, b"", False),
        ({1053: struct.pack(">I", 0)}, count(2), True),
        ({1006: b"\x06Alpha1"}, b"", False),
        ({1006: b"\x0cTransparency"}, count(2), True),
        ({}, bytes(8) + b"8BIMMtrn" + bytes(4), True),
        ({}, bytes(8) + b"8BIMLr16\0\0\0\2\xff\xff\0\0", True),
        ({}, bytes(8) + b"8BIMLr16\0\0\0\2\0\1\0\0", False),
    ],
)
def test_a_further_channel_is_transparency_only_where_the_file_says_so(
    desk: Desk, photo: np.ndarray, alpha: np.ndarray, notes: dict[int, bytes], layers: bytes, transparent: bool
) -> None:
    shown = desk.picture(psd(np.dstack([photo, alpha]), resources=notes, layers=layers))
    assert shown.mode == ("RGBA" if transparent else "RGB")


def test_spot_colours_are_no_transparency(desk: Desk, photo: np.ndarray, alpha: np.ndarray) -> None:
    pixels = np.dstack([photo, photo[:, :, :1], alpha, alpha])
    assert desk.picture(psd(pixels, CMYK, resources={1006: b"\x04blue\x04pink"})).mode == "RGB"


# --- what Photoshop wrote -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("4x4_32bit_rgb", [(9, 0, 178), (188, 0, 130), (255, 0, 0), (255, 186, 0)]),
        ("4x4_8bit_index_color", [(10, 0, 178), (132, 0, 89), (255, 0, 0), (255, 126, 0)]),
        ("4x4_8bit_duotone", [(24,) * 3, (50,) * 3, (94,) * 3, (172,) * 3]),
        ("4x4_1bit_bitmap", [(0,) * 3, (0,) * 3, (255,) * 3, (255,) * 3]),
        ("4x4_16bit_multichannel", [(49,) * 3, (87,) * 3, (138,) * 3, (198,) * 3]),
    ],
)
def test_the_colour_modes_of_photoshop(studio: Studio, name: str, row: list[tuple[int, ...]]) -> None:
    shown = array(studio.picture(SAMPLES / f"{name}.psd"))
    assert np.abs(shown[0] - row).max() <= 1


@pytest.mark.parametrize("name", ["4x4_8bit_lab", "4x4_16bit_lab"])
def test_lab_of_photoshop_equals_littlecms(studio: Studio, name: str) -> None:
    from psd_tools import PSDImage

    channels = PSDImage.open(SAMPLES / f"{name}.psd").numpy()
    signed = (np.rint(channels * 255).astype(np.uint8) ^ np.array([0, 128, 128], np.uint8)).copy()
    lab = Image.frombytes("LAB", (4, 4), signed.tobytes())
    reference = ImageCms.profileToProfile(
        lab, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    difference = np.abs(array(studio.picture(SAMPLES / f"{name}.psd")) - array(reference))
    assert difference.mean() < 5


@pytest.mark.parametrize("name", ["16bit5x5.psb", "transparentbg-gimp.psd", "opacity-fill.psd"])
def test_merged_pictures_equal_what_psd_tools_makes_of_them(studio: Studio, name: str) -> None:
    from psd_tools import PSDImage

    reference = PSDImage.open(SAMPLES / name).numpy() * 255
    shown = array(studio.picture(SAMPLES / name), "RGBA" if reference.shape[2] == 4 else "RGB")
    seen = shown[:, :, 3] > 0 if shown.shape[2] == 4 else np.ones(shown.shape[:2], bool)
    assert np.abs(shown - reference)[seen].max() <= 1


# --- layers ---------------------------------------------------------------------------------------


def test_a_file_without_a_merged_picture_is_made_from_its_layers(studio: Studio) -> None:
    shown = studio.picture(SAMPLES / "pixel-layer.psd")
    assert shown.mode == "RGBA"
    assert shown.getpixel((16, 16)) == (0, 255, 255, 255)
    assert shown.getpixel((0, 0))[3] == 0
    assert 0 < shown.getpixel((1, 13))[3] < 255


def test_layers_lie_over_each_other(desk: Desk) -> None:
    shown = desk.picture(layered([(255, 0, 0, 255), (0, 0, 255, 128)]))
    assert shown.size == (30, 20)
    assert shown.getpixel((2, 10)) == (255, 0, 0, 255)
    assert max(abs(a - b) for a, b in zip(shown.getpixel((7, 10)), (127, 0, 128, 255), strict=True)) <= 1
    assert max(abs(a - b) for a, b in zip(shown.getpixel((12, 10)), (0, 0, 255, 128), strict=True)) <= 1
    assert shown.getpixel((25, 10))[3] == 0


def test_a_layer_that_cannot_be_drawn_here_is_not_supported(studio: Studio) -> None:
    if {"scipy", "aggdraw"} & set(sys.modules):
        pytest.skip("scipy is installed")
    flaw = studio.flaw(SAMPLES / "gradient-fill.psd")
    assert flaw.code == "not_supported"
    assert "maximise compatibility" in flaw.detail


def test_large_pictures_are_not_made_from_layers(desk: Desk) -> None:
    file = psd(np.zeros((1, 1, 3), np.uint8), resources=NO_COMPOSITE, layers=count(1))
    code, detail = desk.flaw(file[:14] + struct.pack(">II", 5000, 5000) + file[22:])
    assert code == "over_limit"
    assert "25,000,000 pixels" in detail


def test_a_merged_picture_that_is_cut_short_is_made_from_the_layers_with_a_warning(studio: Studio) -> None:
    file = (SAMPLES / "16bit5x5.psb").read_bytes()
    path = studio.path()
    path.write_bytes(file[:-20])
    report = studio.report(path, ((), "image/png"))
    assert not report.flaws
    assert "made from the layers" in (report.seen.warning or "")  # type: ignore[union-attr]


def test_a_picture_that_the_file_calls_empty_is_shown_where_there_are_no_layers(desk: Desk, photo: np.ndarray) -> None:
    assert np.array_equal(array(desk.picture(psd(photo, resources=NO_COMPOSITE))), photo)


# --- what stands beside the picture ---------------------------------------------------------------


def test_exif_turns_the_picture_and_its_copyright_stays(desk: Desk, photo: np.ndarray) -> None:
    shown = desk.picture(psd(photo, resources={1058: exif(6)}))
    assert np.array_equal(array(shown), np.rot90(photo, -1))
    shown = desk.picture(psd(photo, resources={1058: exif(1)}), type="image/jpeg")
    assert shown.getexif()[0x8298] == "Jane Doe"


def test_xmp_is_kept_where_an_output_wants_it(desk: Desk, photo: np.ndarray) -> None:
    note = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
    file = psd(photo, resources={1060: note})
    kept = desk.picture(file, type="image/webp", keep_metadata=True)
    assert note in kept.info["xmp"]
    assert "xmp" not in desk.picture(file, type="image/webp").info


def test_resources_with_names_and_odd_lengths_are_read_past(desk: Desk, photo: np.ndarray) -> None:
    file = psd(photo)
    noted = resource(4000, b"odd", b"name") + resource(4001, b"", b"odd") + resource(1058, exif(3))
    file = file[:30] + struct.pack(">I", len(noted)) + noted + file[34:]
    assert np.array_equal(array(desk.picture(file)), photo[::-1, ::-1])
