"""Everything that works on stored records: summaries, statistics, tables, figures, the regression gate. Never
imports torch."""
