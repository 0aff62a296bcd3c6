"""Which images a folder holds, of which class: one folder per class, as for torchvision's ImageFolder."""

from dataclasses import dataclass
from pathlib import Path

from vgp_bench.errors import DataError

Labelled = list[tuple[str, int]]
"""(path, label); plain strings, because a Path each costs a second per 60,000 files."""


@dataclass(frozen=True)
class ImageTree:
    """train, test: sorted by class and name; test is None where the folder is a single tree."""

    classes: tuple[str, ...]
    train: Labelled
    test: Labelled | None


def read_tree(folder: Path) -> ImageTree:
    """Read folder/train/<class>/... with folder/test/ (or else folder/val/), or a single folder/<class>/...

    Raises DataError if the folder is missing, has no two classes, has a class without images, or if the
    classes of train and test differ.
    """
    if not folder.is_dir():
        raise DataError(
            f"image folder {folder} does not exist; set dataset.folder= to one that does "
            "(a relative path starts at data_dir)"
        )
    if not (folder / "train").is_dir():
        classes = _class_names(folder)
        return ImageTree(classes, _labelled_files(folder, classes), None)
    test = next((folder / name for name in ("test", "val") if (folder / name).is_dir()), None)
    if test is None:
        raise DataError(
            f"{folder} has train/ but neither test/ nor val/; add one, "
            f"or set dataset.folder={folder / 'train'} to have a test set split off"
        )
    classes, test_classes = _class_names(folder / "train"), _class_names(test)
    if classes != test_classes:
        raise DataError(
            f"the classes of {folder / 'train'} and {test} differ: "
            f"only in train/: {_listed(classes, test_classes)}; "
            f"only in {test.name}/: {_listed(test_classes, classes)}"
        )
    return ImageTree(classes, _labelled_files(folder / "train", classes), _labelled_files(test, classes))


def _class_names(folder: Path) -> tuple[str, ...]:
    # Hidden folders are left by tools (.ipynb_checkpoints, .cache), never a class.
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if len(names) < 2:
        found = f"only {names[0]}/" if names else "none"
        raise DataError(f"{folder} needs a folder for each of two or more classes, with images inside; found {found}")
    return tuple(names)


def _labelled_files(folder: Path, classes: tuple[str, ...]) -> Labelled:
    from torchvision.datasets.folder import IMG_EXTENSIONS, make_dataset

    labels = {name: label for label, name in enumerate(classes)}
    found: Labelled = make_dataset(folder, labels, extensions=IMG_EXTENSIONS, allow_empty=True)
    present = {label for _, label in found}
    for name, label in labels.items():
        if label not in present:
            raise DataError(
                f"class folder {folder / name} has no images; add some ({', '.join(IMG_EXTENSIONS)}) or remove it"
            )
    return found


def _listed(names: tuple[str, ...], less: tuple[str, ...]) -> str:
    return ", ".join(sorted(set(names) - set(less))) or "none"
