"""Outside facts: values by place and time that come from elsewhere."""
