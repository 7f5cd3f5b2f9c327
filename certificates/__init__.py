"""An answer's journey out: question → grant → records → outcome → receipt → audit → answer."""
