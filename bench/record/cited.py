"""What a record cites: entries of the store."""

from cbench.record.record import Record


def cited_entries(record: Record) -> set[tuple[str, str]]:
    """The entries that a record names."""
    kept = record.kept
    images = {key for row in (kept.base_images, *kept.images) for key in row}
    beside = record.companions.images if record.companions else ()
    gathered = {("measurements", key) for row in kept.gathered for key in row}
    adapters = {("adapters", key) for key in kept.adapters}
    scores = {("scores", key) for key in kept.scores}
    return adapters | gathered | scores | {("images", key) for key in (*images, *beside)}
