"""MovieLens readers, the like / dislike / unseen matrix, splits and the bundled sample."""

from data.interactions import Interactions

__all__ = ["Interactions"]
