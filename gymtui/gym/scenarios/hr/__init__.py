"""The `hr` scenario: a people-operations desk with calendar, email and HR records."""
