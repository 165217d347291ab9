"""What the declared augmentation makes of the images, drawn and checked."""

from reglab.core.family import Family

FAMILIES = (
    Family(
        section="augmentation",
        stage="augment",
        kind="augmentation",
        order=50,
        settings="reglab.data.augmentation.policy.Policy",
        named_after=("study", "scenes"),  # the folders of data/ that hold images
        has_own_names=False,
        anchor="topic",
        has_own_section=True,
    ),
)
