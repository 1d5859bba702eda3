"""What a resource may be, as published: in the Pulumi SDK and in Microsoft's management packages."""
