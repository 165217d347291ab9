"""What the declared augmentation makes of the images, drawn and checked."""
