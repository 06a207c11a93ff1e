"""DNS for distributed training: plan, prove, hand over, tear down."""
